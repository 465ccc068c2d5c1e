from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from urllib3.util import parse_url

from airflow_provider_ekyc.api.result_hosts import DEFAULT_RESULT_HOSTS, find_result_host, read_result_host
from airflow_provider_ekyc.exceptions import EkycResultError, EkycSettingsError

QUERY = "?X-Amz-Signature=madeupsignature"


def allowed(url: str, *hosts: str) -> bool:
    try:
        find_result_host(url, tuple(map(read_result_host, hosts)) or DEFAULT_RESULT_HOSTS)
    except EkycResultError as error:
        message = error.message
    else:
        return True
    assert "madeupsignature" not in message
    assert "/externalcheck" not in message
    return False


@pytest.mark.parametrize(
    "host",
    [
        "wapic.s3.ap-southeast-1.amazonaws.com",
        "wapic.s3.amazonaws.com",
        "s3.amazonaws.com",
        "s3.ap-southeast-1.amazonaws.com",
        "my.bucket.with.dots.s3.eu-central-1.amazonaws.com",
        "wapic.s3-ap-southeast-1.amazonaws.com",
        "s3-us-west-2.amazonaws.com",
        "wapic.s3.dualstack.ap-southeast-1.amazonaws.com",
        "s3.dualstack.us-east-1.amazonaws.com",
        "wapic.s3.cn-north-1.amazonaws.com.cn",
        "s3.cn-northwest-1.amazonaws.com.cn",
        "wapic.s3.us-gov-west-1.amazonaws.com",
        "WAPIC.S3.AP-SOUTHEAST-1.AMAZONAWS.COM",
        "wapic.s3.ap-southeast-1.amazonaws.com.",
        "wapic.s3.ap-southeast-1.amazonaws.com:443",
    ],
)
def test_amazons_s3_is_allowed_in_all_its_shapes(host: str) -> None:
    assert allowed(f"https://{host}/externalcheck/x/x.zip{QUERY}")


@pytest.mark.parametrize(
    "origin",
    [
        "http://wapic.s3.ap-southeast-1.amazonaws.com",
        "https://wapic.s3.ap-southeast-1.amazonaws.com:8443",
        "https://wapic.s3.ap-southeast-1.amazonaws.com:0",
        "https://wapic.s3.ap-southeast-1.amazonaws.com:port",
        "ftp://wapic.s3.amazonaws.com",
        "https://s3.amazonaws.com.evil.example",
        "https://evil.example/s3.amazonaws.com",
        "https://s3-amazonaws.com",
        "https://s3.amazonaws.co",
        "https://xs3.amazonaws.com",
        "https://wapic.s3.amazonaws.comm",
        "https://amazonaws.com",
        "https://wapic.amazonaws.com",
        "https://my-balancer-1.ap-southeast-1.elb.amazonaws.com",
        "https://s3.ap-southeast-1.elb.amazonaws.com",
        "https://abc.execute-api.ap-southeast-1.amazonaws.com",
        "https://s3.execute-api.ap-southeast-1.amazonaws.com",
        "https://ec2-1-2-3-4.ap-southeast-1.compute.amazonaws.com",
        "https://wapic.s3-website-us-east-1.amazonaws.com",
        "https://wapic.s3.amazonaws.com@evil.example",
        "https://wapic.s3.amazonaws.com:x@evil.example",
        "https://me@wapic.s3.amazonaws.com",
        "https://me:x@wapic.s3.amazonaws.com",
        "https://:@wapic.s3.amazonaws.com",
        "https://@wapic.s3.amazonaws.com",
        "https://evil.example\\.s3.amazonaws.com",
        "https://evil.example\\@wapic.s3.amazonaws.com",
        "https://evil.example#.s3.amazonaws.com",
        "https://evil.example?.s3.amazonaws.com",
        "https://evil.example%2F.s3.amazonaws.com",
        "https://evil.example%00.s3.amazonaws.com",
        "https://evil\t.s3.amazonaws.com",
        "https://wapic.s3.amazonaws.com\r\n",
        " https://wapic.s3.amazonaws.com",
        "https://buc\u212aet.s3.amazonaws.com",
        "https://\uff57apic.s3.amazonaws.com",
        "https://169.254.169.254",
        "https://127.0.0.1",
        "https://[::1]",
        "https://[wapic.s3.amazonaws.com",
        "//wapic.s3.amazonaws.com",
        "file:///etc/passwd",
        "",
    ],
)
def test_nothing_else_is_allowed(origin: str) -> None:
    assert not allowed(f"{origin}/externalcheck/x/x.zip{QUERY}")


@given(
    st.text(alphabet="eEvil.@:/\\#?%&[]0s3-amazonaws.com \t\n\u212a\uff53", max_size=40),
    st.sampled_from(["", "s3.", "x.s3."]),
)
def test_what_is_allowed_is_where_urllib3_connects_to(text: str, label: str) -> None:
    url = f"https://{text}{label}amazonaws.com/x"
    if allowed(url):
        host = parse_url(url).host
        assert host is not None
        assert host.rstrip(".").endswith(".amazonaws.com")
        assert "s3" in host


def test_a_host_pattern_is_https_and_whole() -> None:
    for good in ("https://results.example/x", "https://RESULTS.example:443/x"):
        assert allowed(good, "Results.Example")
    for bad in (
        "http://results.example/x",
        "https://results.example:444/x",
        "https://a.results.example/x",
        "https://resultsXexample/x",
        "https://results.example.evil/x",
    ):
        assert not allowed(bad, "results.example")


def test_a_star_stands_for_names_below() -> None:
    assert allowed("https://a.results.example/x", "*.results.example")
    assert allowed("https://a.b.results.example/x", "*.results.example")
    for bad in ("https://results.example/x", "https://evilresults.example/x", "https://.results.example/x"):
        assert not allowed(bad, "*.results.example")


def test_an_origin_allows_just_that_scheme_host_and_port() -> None:
    assert allowed("http://127.0.0.1:9000/x", "http://127.0.0.1:9000")
    assert allowed("http://[::1]:9000/x", "http://[::1]:9000/")
    assert allowed("http://s3.example/x", "http://s3.example:80")
    for bad in (
        "http://127.0.0.1:9001/x",
        "http://127.0.0.1/x",
        "https://127.0.0.1:9000/x",
        "http://127.0.0.2:9000/x",
        "http://127.0.0.1:9000@evil.example/x",
        "http://localhost:9000/x",
        "http://127a0b0c1:9000/x",
    ):
        assert not allowed(bad, "http://127.0.0.1:9000")


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "a b", "a/b", "results.example:9000", "http://", "http://a/path", "http://a/X", "http://a?b", "http://me@a",
     "ftp://a", "http://a:port", "http://[::1", ".example", "example."],
)  # fmt: skip
def test_what_is_neither_host_nor_origin_is_an_error(text: str) -> None:
    with pytest.raises(EkycSettingsError, match="result_hosts takes host names"):
        read_result_host(text)


def test_only_an_origin_is_trusted_without_its_certificate() -> None:
    assert read_result_host("https://results.example").is_origin
    assert not read_result_host("results.example").is_origin
    assert not read_result_host("*.results.example").is_origin


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"https://results.example/externalcheck/x.zip{QUERY}", "https://results.example"),
        (f"https://results.example:8443/externalcheck/x.zip{QUERY}", "https://results.example:8443"),
        (f"https://me@results.example/externalcheck/x.zip{QUERY}", "something that is not a plain URL"),
        (f"https://results.example:port/externalcheck/x.zip{QUERY}", "something that is not a plain URL"),
        (f"/externalcheck/x.zip{QUERY}", "something that is not a plain URL"),
    ],
)
def test_the_error_names_the_place_and_what_is_allowed(url: str, place: str) -> None:
    hosts = tuple(map(read_result_host, ("a.example", "*.b.example")))
    with pytest.raises(EkycResultError) as caught:
        find_result_host(url, hosts)
    assert f"The API named {place} as the place" in caught.value.message
    assert "(result_hosts: a.example, *.b.example)" in caught.value.message


def test_what_has_no_host_can_not_be_allowed() -> None:
    with pytest.raises(EkycResultError) as caught:
        find_result_host(f"/externalcheck/x.zip{QUERY}", DEFAULT_RESULT_HOSTS)
    assert "add it to result_hosts" not in caught.value.message
    assert caught.value.steps == ("Ask the vendor, then clear this task.",)


def test_the_error_names_the_origin_and_says_how_to_allow_it() -> None:
    with pytest.raises(EkycResultError) as caught:
        find_result_host(f"https://results.example:8443/externalcheck/x.zip{QUERY}", DEFAULT_RESULT_HOSTS)
    assert "https://results.example:8443 as the place" in caught.value.message
    assert "add it to result_hosts" in caught.value.message
    (step,) = caught.value.steps
    assert step.startswith("If you trust this place, add it to result_hosts")
