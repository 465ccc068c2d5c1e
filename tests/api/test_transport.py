"""What every call over requests needs, with sessions and answers of their own and no client."""

from __future__ import annotations

import gzip
import io
from datetime import timedelta

import pytest
import requests
import urllib3

from airflow_provider_ekyc.api.bounded import ApiAdapter
from airflow_provider_ekyc.api.transport import failure_kind, new_session, read_body, utc_now
from dev.testing.sockets import ScriptedServer, answer

LIMIT = 1_000_000


def fetched(sent: bytes, limit: int = LIMIT) -> tuple[bytes, str]:
    with ScriptedServer(sent) as server, new_session(ApiAdapter()) as session:
        return read_body(session.get(server.url, stream=True, timeout=20), limit)


def test_the_present_knows_its_time_zone() -> None:
    assert utc_now().utcoffset() == timedelta(0)


def test_a_session_uses_its_adapter_for_both_schemes() -> None:
    adapter = ApiAdapter()
    with new_session(adapter) as session:
        assert [session.get_adapter(f"{scheme}://api.example") for scheme in ("http", "https")] == [adapter, adapter]


def test_a_session_sends_no_cookie_that_a_server_sets() -> None:
    with (
        ScriptedServer(answer("200 OK", b"", "Set-Cookie: made=up; Path=/"), answer()) as server,
        new_session(ApiAdapter()) as session,
    ):
        for _ in range(2):
            session.get(server.url, timeout=20)
    assert ["cookie" in head for head in server.heads] == [False, False]


@pytest.mark.parametrize("length", [0, 1, 4095, 4096, 4097, 200_000])
def test_a_body_is_read_whole(length: int) -> None:
    body = (b"made up " * length)[:length]
    assert fetched(answer("200 OK", body)) == (body, "")


@pytest.mark.parametrize("length", [1000, 200_000])
def test_a_body_is_unpacked_although_nobody_asked_for_a_packed_one(length: int) -> None:
    body = (b"made up " * length)[:length]
    assert fetched(answer("200 OK", gzip.compress(body), "Content-Encoding: gzip")) == (body, "")


@pytest.mark.parametrize("limit", [7, 4096])
def test_a_body_is_not_read_beyond_its_limit(limit: int) -> None:
    body = b"x" * limit
    assert fetched(answer("200 OK", body, length=limit + 1), limit) == (body, "")
    assert fetched(answer("200 OK", body + b"more"), limit) == (body, "")


@pytest.mark.parametrize("body", [b"", b"odd", b"even"])
def test_all_that_arrives_before_a_short_body_breaks_off_is_kept(body: bytes) -> None:
    assert fetched(answer("200 OK", body, length=9999)) == (body, "ProtocolError")


class Counted(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def test_a_long_body_is_read_in_larger_pieces_and_not_all_at_once() -> None:
    source, response = Counted(b"x" * LIMIT), requests.Response()
    response.raw = urllib3.HTTPResponse(source, preload_content=False)
    assert read_body(response, 100_000) == (b"x" * 100_000, "")
    assert source.reads < 5000
    assert source.tell() < 200_000


def test_a_failure_is_named_by_its_class_alone() -> None:
    assert failure_kind(OSError("https://x.example/?sig=made-up")) == "OSError"
    assert failure_kind(OSError("[SSL: CERTIFICATE_VERIFY_FAILED] made up")) == (
        "OSError: the server's certificate is not trusted; the connection's ca_file names who to trust"
    )
