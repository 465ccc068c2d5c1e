"""A result is downloaded whole: resumed, started again, from a fresh URL, or not at all."""

from __future__ import annotations

import hashlib
import io
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycResultError,
    EkycServerError,
)
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.spool import Spool, spool_file
from dev.testing.sockets import Answer, Request, ScriptedServer, answer

AT_ONCE = Retries(attempts=5, first_wait=0.0, longest_wait=0.0)
CONTENT = random.Random(0).randbytes(3_000_000)
CUT = 2_500_000  # the client hands on blocks of 1 MiB, and loses a part of one


def client_for(origin: str, api_key: str = "made-up-key", *, read_timeout: float = 5) -> EkycClient:
    extra = {"result_hosts": origin, "read_timeout": read_timeout}
    return EkycClient(read_settings("test", host=origin, password=api_key, extra=extra))


def ranged(content: bytes, *, etag: str, cut: int | None = None) -> Answer:
    """As S3: the range that was requested, cut after so many bytes."""

    def give(request: Request) -> bytes:
        wanted, headers, status = requested(request.headers), [f"ETag: {etag}"], "200 OK"
        rest = content[wanted or slice(None)]
        if wanted is not None:
            status = "206 Partial Content"
            headers.append(f"Content-Range: bytes {wanted.start}-{wanted.start + len(rest) - 1}/{len(content)}")
        return answer(status, rest[:cut], *headers, length=len(rest))

    return give


def requested(head: dict[str, str]) -> slice | None:
    """The range that a request names; None for the whole object."""
    if "range" not in head:
        return None
    first, last = head["range"].removeprefix("bytes=").split("-")
    return slice(int(first), int(last) + 1 if last else None)


def downloaded(*script: Answer, retries: Retries = AT_ONCE) -> tuple[FileSums, bytes, list[dict[str, str]]]:
    """Download from a scripted server; what was downloaded, the file, the requests."""
    with ScriptedServer(*script) as server, client_for(server.url) as client, spool_file(None) as file:
        result = download(client.result_connection, lambda: server.result_url, GrowingFile(file), retries=retries)
        content = content_of(file)
    assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return result, content, server.heads


def content_of(file: Spool) -> bytes:
    file.seek(0)
    return file.readall()


def failure(kind: type[Exception], *script: Answer, retries: Retries = AT_ONCE) -> str:
    with pytest.raises(kind) as caught:
        downloaded(*script, retries=retries)
    assert "X-Amz" not in str(caught.value)
    return str(caught.value)


@contextmanager
def exported_task(sandbox: Sandbox, rows: int) -> Iterator[Callable[[], str]]:
    data = b"".join(b"+999%010d\n" % (number * 7919) for number in range(rows))
    with client_for(sandbox.url, sandbox.api_key) as client:
        task = client.submit(io.BytesIO(data), len(data), "amazon")
        yield lambda: client.get_task(task.ekyc_task_id).result_url or ""


@pytest.fixture
def exported(sandbox: Sandbox) -> Iterator[Callable[[], str]]:
    """A task of the sandbox with its results; gives a fresh URL each time."""
    with exported_task(sandbox, 200) as fresh_url:
        yield fresh_url


def from_sandbox(sandbox: Sandbox, exported: Callable[[], str]) -> tuple[FileSums, bytes]:
    with client_for(sandbox.url, sandbox.api_key) as client, spool_file(None) as file:
        result = download(client.result_connection, exported, GrowingFile(file), retries=AT_ONCE)
        content = content_of(file)
    assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return result, content


@pytest.mark.parametrize("cuts", [[0], [1], [700], [700, 300, 0, 1]])
def test_a_cut_costs_no_byte(sandbox: Sandbox, exported: Callable[[], str], cuts: list[int]) -> None:
    whole = from_sandbox(sandbox, exported)
    for cut in cuts:
        sandbox.fault("result", "cut_body", at_byte=cut)
    assert from_sandbox(sandbox, exported) == whole
    assert sandbox.calls["result"] == len(cuts) + 2
    assert sandbox.key_leaks == 0


def test_a_cut_is_resumed_where_it_was(sandbox: Sandbox) -> None:
    with exported_task(sandbox, 400_000) as exported:
        whole = from_sandbox(sandbox, exported)
        assert whole[0].size > 1_200_000
        sandbox.fault("result", "cut_body", at_byte=1_100_000)
        sandbox.fault("result", "cut_body", at_byte=1)
        sandbox.fault("result", "expired")
        assert from_sandbox(sandbox, exported) == whole
    downloads = [request.status for request in sandbox.requests if request.path.endswith(".zip")]
    assert downloads == [206, 206, 206, 403, 206]


def test_another_object_in_the_middle_is_read_from_its_start(sandbox: Sandbox, exported: Callable[[], str]) -> None:
    sandbox.fault("result", "wrong_etag")
    other = from_sandbox(sandbox, exported)
    sandbox.fault("result", "cut_body", at_byte=300)
    sandbox.fault("result", "wrong_etag", times=None)
    assert from_sandbox(sandbox, exported) == other


def test_the_second_request_asks_for_the_rest_of_the_same_object() -> None:
    _, content, seen = downloaded(ranged(CONTENT, etag='"a"', cut=CUT), ranged(CONTENT, etag='"a"'))
    assert content == CONTENT
    first, rest = requested(seen[0]), requested(seen[1])
    assert (first, rest and rest.stop) == (slice(0, download_module.RANGE_SIZE), len(CONTENT))
    assert rest is not None
    assert 0 < rest.start <= CUT
    assert seen[1]["if-range"] == '"a"'
    assert "x-api-key" not in seen[0] | seen[1]
    assert "authorization" not in seen[0] | seen[1]


@pytest.mark.parametrize(
    ("etags", "then"),
    [(('"a"', '"b"'), [8_388_608]), (("", '"b"'), []), (('"a"', ""), [None, None]), (('W/"a"', 'W/"a"'), [])],
    ids=["another", "none before", "none after", "weak"],
)
def test_a_rest_that_may_be_of_another_object_is_not_used(etags: tuple[str, str], then: list[int | None]) -> None:
    # A server that does not know If-Range answers 206 all the same.
    other = bytes(reversed(CONTENT))
    _, content, seen = downloaded(ranged(CONTENT, etag=etags[0], cut=CUT), *[ranged(other, etag=etags[1])] * 3)
    assert content == other
    assert [getattr(requested(head), "stop", None) for head in seen[2:]] == then


def test_a_server_without_ranges_is_read_from_the_start() -> None:
    cut = answer("200 OK", CONTENT[:CUT], 'ETag: "a"', length=len(CONTENT))
    _, content, seen = downloaded(cut, cut, answer("200 OK", CONTENT, 'ETag: "a"'))
    assert content == CONTENT
    assert len(seen) == 3


def test_a_range_behind_the_end_means_another_object() -> None:
    shorter = CONTENT[:3000]  # of what the first try has downloaded
    beyond = answer("416 Range Not Satisfiable", b"", "Content-Range: bytes */3000")
    _, content, seen = downloaded(ranged(CONTENT, etag='"a"', cut=CUT), beyond, answer("200 OK", shorter, 'ETag: "b"'))
    assert content == shorter
    assert requested(seen[2]) == slice(0, download_module.RANGE_SIZE)


def test_a_break_behind_the_last_byte_asks_for_nothing_more() -> None:
    # A length that only a 206 gives, and a chunked body whose end is lost.
    def chunked(request: Request) -> bytes:
        rest = CONTENT[requested(request.headers) or slice(None)]
        return answer(
            "206 Partial Content",
            b"%x\r\n%b\r\n" % (len(rest), rest),
            'ETag: "a"',
            "Transfer-Encoding: chunked",
            f"Content-Range: bytes {len(CONTENT) - len(rest)}-{len(CONTENT) - 1}/{len(CONTENT)}",
            length=-1,
        )

    _, content, seen = downloaded(ranged(CONTENT, etag='"a"', cut=CUT), chunked)
    assert content == CONTENT
    assert len(seen) == 2


def test_a_range_says_how_much_there_is_where_the_first_answer_did_not() -> None:
    """So one that ends early is not the end."""
    head = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nTransfer-Encoding: chunked\r\n\r\n'
    chunked = head + b"%x\r\n%b\r\n" % (CUT, CONTENT[:CUT])

    def short(request: Request) -> bytes:
        first = (requested(request.headers) or slice(0, 0)).start
        content_range = f"Content-Range: bytes {first}-{len(CONTENT) - 2}/{len(CONTENT)}"
        return answer("206 Partial Content", CONTENT[first:-1], 'ETag: "a"', content_range)

    _, content, seen = downloaded(chunked, short, ranged(CONTENT, etag='"a"'))
    assert content == CONTENT
    assert len(seen) == 3


def test_a_part_that_was_not_asked_for_is_not_taken() -> None:
    part = answer("206 Partial Content", CONTENT[5:], 'ETag: "a"', "Content-Range: bytes 5-2999999/3000000")
    _, content, _ = downloaded(part, answer("200 OK", CONTENT))
    assert content == CONTENT


def test_a_length_that_is_a_lie_ends_in_an_error_after_the_last_try() -> None:
    too_long = answer("200 OK", CONTENT, length=len(CONTENT) + 1)
    message = failure(EkycConnectionError, too_long, too_long, retries=Retries(attempts=2, first_wait=0.0))
    assert "result download" in message
    # What is beyond the length is never read; whether the archive is whole is for its check to say.
    _, content, _ = downloaded(answer("200 OK", CONTENT, length=100))
    assert content == CONTENT[:100]


def test_a_body_without_any_length_is_taken_to_its_end() -> None:
    _, content, _ = downloaded(answer("200 OK", CONTENT, length=-1))
    assert content == CONTENT


def test_tries_are_capped(sandbox: Sandbox, exported: Callable[[], str]) -> None:
    sandbox.fault("result", "status", status=503, times=None)
    with pytest.raises(EkycServerError) as caught:
        from_sandbox(sandbox, exported)
    assert caught.value.retryable
    assert sandbox.calls["result"] == 5


def test_a_refusal_is_not_tried_again_and_says_what_to_do() -> None:
    denied = answer("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>")
    message = failure(EkycRequestError, denied, denied)  # with a range, and without
    assert message == (
        "The result's store refused the download (403, AccessDenied). Clear this task to ask for a fresh URL; if the "
        "error persists, ask the vendor."
    )


def test_an_expired_url_is_refreshed_once(
    sandbox: Sandbox, exported: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("result", "expired")
    assert from_sandbox(sandbox, exported)[0].size > 0
    said = [record.getMessage() for record in caplog.records if record.name == download_module.__name__]
    assert said == [
        "The result's URL has expired (403, AccessDenied). Asking the API for a fresh one, once.",
    ]
    assert (sandbox.calls["status"], sandbox.calls["result"]) == (2, 2)


@pytest.mark.parametrize("skip", [1, 2], ids=["at once", "after a break"])
def test_a_url_that_expires_twice_is_an_error(sandbox: Sandbox, exported: Callable[[], str], skip: int) -> None:
    sandbox.fault("result", "expired")
    if skip == 2:
        sandbox.fault("result", "cut_body", at_byte=700)
    sandbox.fault("result", "expired", times=None)
    with pytest.raises(EkycExpiredUrlError, match="The API was asked for a fresh one, which has expired too"):
        from_sandbox(sandbox, exported)
    assert sandbox.calls["status"] == 2


def test_a_url_that_expires_in_the_middle_is_refreshed_and_resumed(
    sandbox: Sandbox, exported: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    whole = from_sandbox(sandbox, exported)
    sandbox.fault("result", "cut_body", at_byte=700)
    sandbox.fault("result", "expired")
    with caplog.at_level(logging.DEBUG):
        assert from_sandbox(sandbox, exported) == whole
    assert "X-Amz-" not in caplog.text
    assert [request.status for request in sandbox.requests][-5:] == [200, 206, 403, 200, 206]


def test_a_token_that_has_expired_is_refreshed_too() -> None:
    expired = answer("400 Bad Request", b"<Error><Code>ExpiredToken</Code></Error>")
    assert downloaded(expired, answer("200 OK", CONTENT))[1] == CONTENT


def test_a_redirect_is_not_followed_and_the_store_is_asked_again(sandbox: Sandbox, exported: Callable[[], str]) -> None:
    whole = from_sandbox(sandbox, exported)
    sandbox.fault("result", "redirect")
    assert from_sandbox(sandbox, exported) == whole
    assert sandbox.calls["result"] == 3


def test_a_redirect_each_time_is_an_error() -> None:
    elsewhere = answer("307 Temporary Redirect", b"", "Location: http://elsewhere.example/")
    assert "not by the result's store (307). A redirect is not followed." in failure(EkycAnswerError, *[elsewhere] * 5)


def test_a_page_of_html_is_downloaded_as_it_is_for_the_archive_check_to_name_it(
    sandbox: Sandbox, exported: Callable[[], str]
) -> None:
    sandbox.fault("result", "html")
    assert b"<html>" in from_sandbox(sandbox, exported)[1]


def test_what_is_too_large_is_left_before_its_first_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", 1000)
    with spool_file(None) as file:
        with (
            ScriptedServer(answer("200 OK", CONTENT)) as server,
            client_for(server.url) as client,
            pytest.raises(EkycResultError, match="larger than 1,000 bytes"),
        ):
            download(client.result_connection, lambda: server.result_url, GrowingFile(file))
        assert content_of(file) == b""


def test_what_does_not_say_that_it_is_too_large_is_left_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", 1000)
    assert "larger than 1,000 bytes" in failure(EkycResultError, answer("200 OK", CONTENT, length=-1))


def test_a_place_that_is_not_allowed_is_not_asked() -> None:
    with (
        ScriptedServer() as other,
        client_for("http://127.0.0.1:9") as client,
        spool_file(None) as file,
        pytest.raises(EkycResultError) as caught,
    ):
        download(client.result_connection, lambda: other.result_url, GrowingFile(file))
    assert other.heads == []
    assert "X-Amz" not in str(caught.value)


def test_a_refused_status_query_ends_the_refresh(sandbox: Sandbox, exported: Callable[[], str]) -> None:
    sandbox.fault("result", "expired")
    sandbox.fault("status", "status", status=401, skip=1)
    with pytest.raises(EkycApiError, match="401"):
        from_sandbox(sandbox, exported)


def test_a_store_that_breaks_for_ever_is_left_with_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "ROUNDS", 2)
    script = [ranged(CONTENT, etag='"a"', cut=300_000)] * 4
    message = failure(EkycConnectionError, *script, retries=Retries(attempts=2, first_wait=0.0, longest_wait=0.0))
    assert "The result download" in message


def test_bytes_are_taken_as_they_come_whatever_the_store_says_of_their_encoding() -> None:
    _, content, _ = downloaded(answer("200 OK", CONTENT, "Content-Encoding: gzip"))
    assert content == CONTENT
