from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.api.result_hosts import DEFAULT_RESULT_HOSTS
from airflow_provider_ekyc.api.settings import (
    EXTRA_NAMES,
    EkycConnectionFieldError,
    EkycSettings,
    read_settings,
)
from airflow_provider_ekyc.exceptions import EkycSettingsError
from tests.api.conftest import API_KEY


def read(host: str | None = None, *, password: str | None = API_KEY, **parts: Any) -> EkycSettings:
    return read_settings("made_up", host=host, password=password, **{"extra": {}, **parts})


def extra(**given_: Any) -> EkycSettings:
    return read(extra=given_)


def test_a_key_alone_is_enough() -> None:
    assert read() == EkycSettings(
        base_url="https://api.ekycpro.com",
        api_key=API_KEY,
        connect_timeout=10.0,
        read_timeout=60.0,
        submit_timeout=600.0,
        verify=True,
        ca_file=None,
        proxy=None,
        result_hosts=DEFAULT_RESULT_HOSTS,
        account="made_up",
        row_limits={},
        prices={},
        journal_uri=None,
    )


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_field_of_the_form_means_not_set(empty: str | None) -> None:
    assert read("", schema="", extra=dict.fromkeys(EXTRA_NAMES, empty)) == read()


@pytest.mark.parametrize(
    ("parts", "base_url"),
    [
        ({"host": "https://api.example"}, "https://api.example"),
        ({"host": "https://api.example/"}, "https://api.example"),
        ({"host": " https://api.example "}, "https://api.example"),
        ({"host": "HTTPS://api.example"}, "https://api.example"),
        ({"host": "api.example"}, "https://api.example"),
        ({"host": "api.example", "schema": "http"}, "http://api.example"),
        ({"host": "https://api.example", "schema": "http"}, "https://api.example"),
        ({"host": "api.example", "port": 8443}, "https://api.example:8443"),
        ({"host": "api.example:8443"}, "https://api.example:8443"),
        ({"host": "api.example:8443", "port": 1}, "https://api.example:8443"),
        ({"host": "http://127.0.0.1:8900"}, "http://127.0.0.1:8900"),
        ({"host": "127.0.0.1", "port": 8900, "schema": "http"}, "http://127.0.0.1:8900"),
        ({"host": "[::1]", "port": 8900, "schema": "http"}, "http://[::1]:8900"),
        ({"host": "https://gateway.example/ekyc/"}, "https://gateway.example/ekyc"),
        ({"host": "https://api.example/v1"}, "https://api.example"),
        ({"host": "https://api.example/v1/"}, "https://api.example"),
        ({"host": "https://api.example//v1//"}, "https://api.example"),
        ({"host": "https://gateway.example/ekyc/v1"}, "https://gateway.example/ekyc"),
        ({"host": "https://gateway.example/ekyc-v1"}, "https://gateway.example/ekyc-v1"),
        ({"host": "https://gateway.example/v1/ekyc"}, "https://gateway.example/v1/ekyc"),
        ({"host": "https://gateway.example/X"}, "https://gateway.example/X"),
        ({"host": "https://gateway.example/X/V1"}, "https://gateway.example/X"),
        ({"host": "https://API.Example:443"}, "https://api.example"),
        ({"host": "http://api.example:80"}, "http://api.example"),
        ({"host": "https://api.example."}, "https://api.example"),
        ({"host": "http://sandbox.:8900"}, "http://sandbox.:8900"),
        ({"host": "http://ekyc_sandbox:8900"}, "http://ekyc_sandbox:8900"),
        ({"host": "https://B\u00fccher.example"}, "https://b\u00fccher.example"),
        ({"host": None}, "https://api.ekycpro.com"),
    ],
)
def test_a_host_has_many_forms(parts: dict[str, Any], base_url: str) -> None:
    assert read(**parts).base_url == base_url


@pytest.mark.parametrize(
    "host",
    [
        "https://api.ekycpro.com",
        "http://api.ekycpro.com",
        "HTTPS://API.ekycpro.COM/",
        "https://api.ekycpro.com.",
        "https://api.ekycpro.com:443",
        "http://api.ekycpro.com.:80/v1/",
        "http://api.ekycpro.com:443",
        "api.ekycpro.com/v1",
        None,
    ],
)
def test_one_api_has_one_scope_url(host: str | None) -> None:
    assert read(host).scope_url == "https://api.ekycpro.com"


@pytest.mark.parametrize(
    ("host", "scope_url"),
    [
        ("https://api.example:8443", "https://api.example:8443"),
        ("http://127.0.0.1:8900/v1", "https://127.0.0.1:8900"),
        ("http://[0:0:0:0:0:0:0:1]:8900", "https://[::1]:8900"),
        ("http://sandbox.:8900", "https://sandbox:8900"),
        ("https://gateway.example/Ekyc/", "https://gateway.example/Ekyc"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_another_port_path_or_host_is_another_scope(host: str, scope_url: str) -> None:
    assert read(host).scope_url == scope_url


def test_a_journal_uri_is_text_and_optional() -> None:
    assert extra(journal_uri="s3://made-up/prefix").journal_uri == "s3://made-up/prefix"
    with pytest.raises(EkycSettingsError, match="journal_uri must be text"):
        extra(journal_uri=7)


@pytest.mark.parametrize(
    "host",
    [
        "ftp://api.example",
        "https://",
        "://",
        "https://api.example:port",
        "https://api.example:99999",
        "https://[::1",
        "https://me@api.example",
        "https://me:secret-made-up@api.example",
        "https://api.example?x=secret-made-up",
        "https://api.example#x",
        "https://api example",
        "https://api.example/a b",
        "https://api.example\\@evil.example",
        "https://api..example",
        f"https://{'a' * 70}.example",
        "https://*.example",
        "https://api.example,other.example",
        "https://[fe80:]",
        "https://api.example:0",
    ],
)
def test_what_is_no_base_url_is_refused_at_once(host: str) -> None:
    with pytest.raises(EkycSettingsError, match=r"^Connection 'made_up': host ") as caught:
        read(host)
    assert "secret-made-up" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("https://", "host is not a URL."),
        ("ftp://api.example", "host must be the base URL of the API, such as https://api.ekycpro.com."),
        ("https://me@api.example", "host must be a bare base URL; the API key belongs in the password field."),
    ],
)
def test_the_error_says_what_is_wrong_with_a_host_and_which_connection_has_it(host: str, problem: str) -> None:
    with pytest.raises(EkycConnectionFieldError, match=r"^Connection 'made_up': ") as caught:
        read(host)
    assert caught.value.problem == problem
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("http://127.0.0.1:8900", True),
        ("http://127.1.2.3", True),
        ("http://localhost:8900", True),
        ("http://[::1]:8900", True),
        ("http://127.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://10.0.0.1", False),
        ("https://api.ekycpro.com", False),
    ],
)
def test_local_is_this_machine_alone(host: str, local: bool) -> None:
    assert read(host).is_local is local


@pytest.mark.parametrize("password", [None, "", "  ", "\n"])
def test_a_missing_key_is_an_error(password: str | None) -> None:
    with pytest.raises(EkycSettingsError, match="Connection 'made_up': no API key"):
        read(password=password)


@pytest.mark.parametrize("password", ["made up", "made\nup", "made\r\nX-Other: up", "made\tup", "mädeup", "made\0up"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(EkycSettingsError, match=r"the API key \(password\) contains blanks") as caught:
        read(password=password)
    assert "up" not in caught.value.message.replace("made_up", "")
    assert caught.value.__cause__ is None


def test_blanks_around_a_key_are_those_of_copy_and_paste() -> None:
    assert read(password=f" {API_KEY}\n").api_key == API_KEY


def test_neither_key_nor_proxy_is_in_the_text_of_the_settings() -> None:
    settings = extra(proxy="http://me:secret-made-up@proxy.example:3128")
    assert API_KEY not in repr(settings)
    assert "secret-made-up" not in repr(settings)


@pytest.mark.parametrize("name", ["api_key", "timeout", "Verify", "result_host", "extra__ekyc__account"])
def test_a_typo_in_the_extra_is_noticed_and_its_value_not_shown(name: str) -> None:
    with pytest.raises(EkycSettingsError, match=f"unknown extra {name}; known are account, ca_file") as caught:
        extra(**{name: "secret-made-up"})
    assert "secret-made-up" not in caught.value.message


def test_all_typos_are_named_at_once() -> None:
    with pytest.raises(EkycSettingsError, match=r"^Connection 'made_up': unknown extra Verify, api_key; known are "):
        extra(api_key="made-up", Verify="made-up")


@pytest.mark.parametrize("given_", [[], ["account"], "account", None, 7])
def test_an_extra_that_is_no_object_is_an_error(given_: object) -> None:
    with pytest.raises(EkycSettingsError, match="Connection 'made_up': the extra must be a JSON object"):
        read(extra=given_)


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "submit_timeout"])
def test_time_outs_are_seconds(name: str) -> None:
    assert getattr(extra(**{name: 5}), name) == 5.0
    assert getattr(extra(**{name: "2.5"}), name) == 2.5
    assert getattr(extra(**{name: 0.1}), name) == 0.1
    assert getattr(extra(**{name: 86_400}), name) == 86_400
    for wrong in (0, 86_401, -1, "soon", True, "inf", 10**12, [5]):
        with pytest.raises(EkycSettingsError, match=f"Connection 'made_up': {name} must be a number, at least 0.1"):
            extra(**{name: wrong})


def test_verify_is_parsed_strictly() -> None:
    assert extra(verify="False").verify is False
    assert extra(verify=True).verify is True
    with pytest.raises(EkycSettingsError, match="verify must be true or false"):
        extra(verify="maybe")


@pytest.mark.parametrize("name", ["account", "ca_file"])
def test_texts_are_texts(name: str) -> None:
    assert getattr(extra(**{name: "made-up"}), name) == "made-up"
    with pytest.raises(EkycSettingsError, match=f"{name} must be text"):
        extra(**{name: 7})


@pytest.mark.parametrize("name", ["account", "journal_uri", "ca_file", "console_url", "proxy"])
def test_blanks_around_a_text_are_none_of_it(name: str) -> None:
    text = "https://name.example/path"
    assert getattr(extra(**{name: f" {text}\n"}), name) == text
    assert getattr(extra(**{name: " "}), name) == ("made_up" if name == "account" else None)


@pytest.mark.parametrize("port", [None, 0, 443])
def test_an_empty_port_is_that_of_the_scheme(port: int | None) -> None:
    assert read("https://api.example", port=port).base_url == "https://api.example"
    assert read("api.example", port=port).base_url == "https://api.example"


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_first_and_the_last_port_are_ports(port: int) -> None:
    assert read("https://api.example", port=port).base_url == f"https://api.example:{port}"


@pytest.mark.parametrize("port", [-1, 65_536, 443_443])
def test_a_port_that_none_can_be_is_named(port: int) -> None:
    with pytest.raises(EkycSettingsError, match="port must be from 1 to 65535"):
        read("https://api.example", port=port)


@pytest.mark.parametrize("url", ["https://console.example/tasks/{ekyc_task_id}", "https://c.example", None])
def test_a_console_has_a_url(url: str | None) -> None:
    assert extra(console_url=url).console_url == url


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "console.example", "https://user:made-up@c.example/", "https://c.example/a b", 7, [""]],
)
def test_what_is_no_link_is_refused_and_not_quoted(url: object) -> None:
    with pytest.raises(EkycSettingsError, match="console_url must be") as caught:
        extra(console_url=url)
    assert "made-up" not in caught.value.message


def test_the_example_of_a_link_is_one() -> None:
    with pytest.raises(EkycConnectionFieldError) as caught:
        extra(console_url="console.example")
    example = caught.value.problem.rpartition(" such as ")[2].removesuffix(".")
    assert extra(console_url=example).console_url == example == "https://console.example/tasks/{ekyc_task_id}"


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy.example:3128",
        "https://proxy.example",
        "http://proxy.example/",
        "http://[::1]:3128",
        "http://squid_1:3128",
        "http://me:made%40up@proxy.example:3128",
        "http://REALM\\me:made-up@proxy.example:3128",
    ],
)
def test_a_proxy_is_a_url_of_http(proxy: str) -> None:
    assert extra(proxy=proxy).proxy == proxy
    assert extra(proxy=f" {proxy}\n").proxy == proxy


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy.example:3128",
        "socks5://proxy.example",
        7,
        "http://",
        "http://*.example:3128",
        "http://proxy.example:99999",
        "http://proxy.example:0",
        "http://proxy example:3128",
        "http://[::1",
        "http://me:made#up@proxy.example:3128",
        "http://me:made/up@proxy.example:3128",
    ],
)
def test_a_proxy_that_can_be_none_is_refused_and_its_credentials_not_shown(proxy: object) -> None:
    with pytest.raises(
        EkycSettingsError, match=r"proxy must be (text|a URL such as http://proxy\.example:3128\.)"
    ) as caught:
        extra(proxy=proxy)
    assert "made#" not in caught.value.message
    assert "made/" not in caught.value.message


def test_a_blank_proxy_is_none() -> None:
    assert extra(proxy=" ").proxy is None


@pytest.mark.parametrize(
    "given_",
    [
        ["results.example", "http://127.0.0.1:9000"],
        "results.example, http://127.0.0.1:9000",
        "results.example,http://127.0.0.1:9000,",
    ],
)
def test_result_hosts_are_a_list_or_text_with_commas(given_: object) -> None:
    assert [host.text for host in extra(result_hosts=given_).result_hosts] == [
        "results.example",
        "http://127.0.0.1:9000",
    ]


@pytest.mark.parametrize("given_", [7, [7], {"a": 1}, ",", [], "http://x.example/path", "two words", "*"])
def test_result_hosts_that_mean_nothing_are_refused(given_: object) -> None:
    with pytest.raises(EkycSettingsError, match="Connection 'made_up': result_hosts"):
        extra(result_hosts=given_)


@pytest.mark.parametrize(
    "given_",
    [
        {"amazon": [100, 1000], "ws": [1, 50]},
        {"amazon": ["100", "1000"], "ws": (1, 50)},
        "amazon=100-1000,ws=1-50",
        " amazon = 100 - 1000 , ws = 1 - 50 , ",
        json.dumps({"amazon": [100, 1000], "ws": [1, 50]}),
        f"\n {json.dumps({'amazon': [100, 1000], 'ws': [1, 50]})}",
    ],
)
def test_row_limits_are_an_object_or_text(given_: object) -> None:
    settings = extra(row_limits=given_)
    assert settings.row_limits == {"amazon": (100, 1000), "ws": (1, 50)}
    assert settings.limits("amazon") == (100, 1000)
    assert settings.limits("htx") == (100, 10_000_000)


def test_row_limits_may_allow_one_size_alone() -> None:
    assert extra(row_limits={"ws": [50, 50]}).limits("ws") == (50, 50)


def test_prices_are_by_task_type_and_one_that_is_not_named_is_not_free() -> None:
    settings = extra(prices={"ws": "0.5"})
    assert settings.price("ws") == Decimal("0.5")
    assert settings.price("amazon") is None


@pytest.mark.parametrize(
    "given_",
    [7, "amazon", "amazon=100", "amazon=9-1", {"amazon": 100}, {"amazon": [1]}, {"amazon": [2, 1]}, '{"amazon": [',
     "{}x", {"amazon": [-1, 5]}, {"amazon": ["a", "b"]}, {"amazon": [1.5, 5]}, {"amazon": "12"}],
)  # fmt: skip
def test_row_limits_that_mean_nothing_are_refused(given_: object) -> None:
    with pytest.raises(EkycSettingsError, match="Connection 'made_up': row_limits"):
        extra(row_limits=given_)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.text() | st.none(), st.text() | st.none(), st.dictionaries(st.sampled_from(EXTRA_NAMES), _ANY, max_size=3))
def test_nothing_but_a_settings_error_is_raised(host: str | None, password: str | None, given_: dict[str, Any]) -> None:
    try:
        settings = read(host, password=password, extra=given_)
    except EkycSettingsError as error:
        message = error.message
    else:
        assert settings.base_url.startswith(("http://", "https://"))
        return
    assert message.startswith("Connection 'made_up': ")
