"""
The sandbox's result URL is signed and checked as S3 does it.

Modules: ``sandbox/ranges.py``, ``sandbox/routes_result.py``.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from airflow_provider_ekyc.sandbox.presign import ACCESS_KEY_ID, REGION, SECRET_KEY, presigned_url, refusal
from tests.sandbox.sandbox_callers import numbers


def test_the_url_has_the_shape_of_a_presigned_one(caller):
    url = urlsplit(caller.result_url())
    task_id = caller.sandbox.tasks[0].task_id
    assert f"{url.scheme}://{url.netloc}" == caller.sandbox.url
    assert url.path == f"/externalcheck/{task_id}/{task_id}.zip"
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert query.keys() == {
        f"X-Amz-{name}" for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
    }
    assert query["X-Amz-SignedHeaders"] == "host"
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"


def test_botocore_s_own_signature_is_accepted(caller):
    task_id = caller.submit(numbers(100)).json()["task_id"]
    request = AWSRequest("GET", f"{caller.sandbox.url}/externalcheck/{task_id}/{task_id}.zip")
    S3SigV4QueryAuth(Credentials(ACCESS_KEY_ID, SECRET_KEY), "s3", REGION, expires=60).add_auth(request)
    assert caller.get(request.url).status_code == 200


def test_the_url_names_the_host_by_which_the_sandbox_was_reached(caller):
    task_id = caller.submit(numbers(100)).json()["task_id"]
    origin = caller.sandbox.url.replace("127.0.0.1", "localhost")
    answer = caller.session.post(f"{origin}/v1/gettasks", headers=caller.key, data={"task_id": task_id}, timeout=10)
    url = answer.json()["result_url"]
    assert url.startswith(origin)
    assert caller.get(url).status_code == 200
    assert "SignatureDoesNotMatch" in caller.get(url.replace("localhost", "127.0.0.1")).text


def test_a_url_expires_and_a_new_poll_signs_another(call_up, clock):
    caller = call_up(clock=clock, url_ttl_seconds=60)
    url = caller.result_url()
    clock.tick(59)
    assert caller.get(url).status_code == 200
    clock.tick(2)
    expired = caller.get(url)
    assert expired.status_code == 403
    assert "<Message>Request has expired</Message>" in expired.text
    renewed = caller.status(caller.sandbox.tasks[0].task_id).json()["result_url"]
    assert renewed != url
    assert caller.get(renewed).status_code == 200


@pytest.mark.parametrize(
    ("find", "replacement", "status", "code"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=7200", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=604801", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-Credential=", "X-Amz-Credential=x", 403, "SignatureDoesNotMatch"),
        ("&X-Amz-Expires=3600", "", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-Date=2", "X-Amz-Date=x", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host&more=1", 403, "SignatureDoesNotMatch"),
        ("externalcheck/d", "externalcheck/e", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_url_that_was_touched_is_refused(caller, find, replacement, status, code):
    url = caller.result_url()
    assert find in url
    answer = caller.get(url.replace(find, replacement))
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text


def test_without_a_query_access_is_denied(caller):
    answer = caller.get(caller.result_url().partition("?")[0])
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (403, "application/xml")
    assert "AccessDenied" in answer.text


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "POST"])
def test_the_url_is_good_for_get_alone(caller, method):
    answer = caller.session.request(method, caller.result_url(), timeout=10)
    assert answer.status_code == 403


def test_a_key_at_the_result_is_refused_and_counted(caller):
    url = caller.result_url()
    assert caller.get(url, headers=caller.key).status_code == 403
    assert caller.get(url, headers={"Authorization": "Bearer made-up"}).status_code == 400
    assert caller.sandbox.key_leaks == 2
    assert caller.get(url).status_code == 200
    assert caller.sandbox.key_leaks == 2


def test_an_unfinished_task_has_no_object(call_up, clock):
    caller = call_up(clock=clock, pace=1)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    path = f"/externalcheck/{task_id}/{task_id}.zip"
    url = presigned_url(caller.sandbox.url, path, now=clock.now, ttl_seconds=60)
    assert caller.get(url).status_code == 404


def test_a_range_gives_a_part_of_the_same_object(caller):
    url = caller.result_url()
    whole = caller.get(url)
    size, etag = len(whole.content), whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    for wanted, first, last in [
        ("bytes=10-19", 10, 19),
        ("bytes=100-", 100, size - 1),
        ("bytes=-7", size - 7, size - 1),
        ("bytes=5-99999999", 5, size - 1),
    ]:
        part = caller.get(url, headers={"Range": wanted})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["ETag"] == etag
        assert part.content == whole.content[first : last + 1]


@pytest.mark.parametrize("wanted", ["bytes={size}-", "bytes=-0"], ids=["behind the end", "the last 0 bytes"])
def test_a_range_without_a_byte_of_the_object_is_416(caller, wanted):
    url = caller.result_url()
    size = len(caller.get(url).content)
    answer = caller.get(url, headers={"Range": wanted.format(size=size)})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize("wanted", ["bytes=9-3", "bytes=-", "lines=1-2", "bytes=1-2,5-6"])
def test_a_range_that_says_nothing_is_ignored(caller, wanted):
    assert caller.get(caller.result_url(), headers={"Range": wanted}).status_code == 200


def test_if_range_decides_between_the_part_and_the_whole(caller):
    url = caller.result_url()
    etag = caller.get(url).headers["ETag"]
    same = caller.get(url, headers={"Range": "bytes=10-", "If-Range": etag})
    other = caller.get(url, headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_the_decision_needs_no_server():
    url = urlsplit(presigned_url("https://example.invalid", "/a b/ü.zip", now=1000.9, ttl_seconds=10))

    def why(method="GET", now=1005.0):
        return refusal(method, "example.invalid", "/a b/ü.zip", url.query, now=now)

    assert why() is None
    assert why(now=1010.0) is None
    assert why(now=1010.1).message == "Request has expired"
    assert why(method="HEAD").code == "SignatureDoesNotMatch"
