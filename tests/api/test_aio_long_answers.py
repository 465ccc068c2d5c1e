"""An answer to a status query has a small bound, and a long one does not hold up the event loop."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import socket
import time
import zlib

import pytest

from airflow_provider_ekyc.api import aio
from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.api.answers import STATUS_ANSWER_LIMIT
from airflow_provider_ekyc.exceptions import EkycAnswerError
from dev.testing.sockets import SocketServer, answer, answering, read_request
from tests.api.conftest import BOTH, PENDING, Ask, alike, padded, settings_for

#: A valid answer of 900 kB.
LONG = json.dumps({**PENDING, "notes": ["+999000000000"] * 56_250}).encode()


@BOTH
def test_an_answer_up_to_the_bound_is_read(ask: Ask) -> None:
    body = padded(STATUS_ANSWER_LIMIT)
    assert len(body) == STATUS_ANSWER_LIMIT == 65_536
    with SocketServer(answering(answer("200 OK", body))) as server:
        assert ask(settings_for(server.url), "made-up-id").ekyc_task_id == "made-up-id"


@pytest.mark.parametrize("body", [padded(STATUS_ANSWER_LIMIT + 1), LONG], ids=["a byte above it", "900 kB"])
def test_a_longer_one_is_not_read_and_the_wait_goes_on(body: bytes) -> None:
    with SocketServer(answering(answer("200 OK", body))) as server:
        error = alike(settings_for(server.url))
    assert isinstance(error, EkycAnswerError)
    assert error.retryable
    assert error.message == "The answer to the status query can't be read: it is longer than 65,536 bytes."


def test_a_longer_refusal_is_a_refusal() -> None:
    """Its code counts, and no more of its text than that is read."""
    page = b"<!DOCTYPE html><html><head><title>Busy</title></head><body>" + b"-" * 900_000
    with SocketServer(answering(answer("503 Service Unavailable", page))) as server:
        error = alike(settings_for(server.url))
    assert (error.retryable, getattr(error, "status", None)) == (True, 503)


@BOTH
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "X-GZIP", "deflate"])
def test_a_compressed_answer_is_read(ask: Ask, encoding: str) -> None:
    body = json.dumps(PENDING).encode()
    sent = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    with SocketServer(answering(answer("200 OK", sent, f"Content-Encoding: {encoding}"))) as server:
        assert ask(settings_for(server.url), "made-up-id").ekyc_task_id == "made-up-id"


def test_a_compressed_answer_is_expanded_up_to_the_bound() -> None:
    body = json.dumps({**PENDING, "notes": "-" * 50_000_000}).encode()
    sent = gzip.compress(body)
    assert len(sent) < STATUS_ANSWER_LIMIT
    assert len(aio._expanded(sent, "gzip")) == STATUS_ANSWER_LIMIT + 1
    with SocketServer(answering(answer("200 OK", sent, "Content-Encoding: gzip"))) as server:
        assert isinstance(alike(settings_for(server.url)), EkycAnswerError)


def test_a_thousand_answers_of_900_kb_do_not_hold_up_the_loop() -> None:
    """
    The loop once stood still for 639 ms while it parsed them.

    What counts is the loop's own computing between two turns: not that of other processes or of the server's threads,
    nor a garbage collection of all that the tests have loaded.
    """

    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(answer("200 OK", LONG))

    async def use(url: str) -> tuple[float, int]:
        longest, unreadable = 0.0, 0

        async def beat() -> None:
            nonlocal longest
            while True:
                before = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - before)

        async def ask() -> None:
            nonlocal unreadable
            try:
                await get_task(session, settings_for(url), "made-up-id")
            except EkycAnswerError:
                unreadable += 1

        async with shared_session() as session:
            asking = [asyncio.create_task(ask()) for _ in range(1000)]
            await asyncio.sleep(0.1)  # to start so many takes the loop a while, whatever the answers are
            heart = asyncio.create_task(beat())
            await asyncio.gather(*asking)
            heart.cancel()
        return longest, unreadable

    gc.disable()
    try:
        with SocketServer(talk) as server:
            longest, unreadable = asyncio.run(use(server.url))
    finally:
        gc.enable()
    assert unreadable == 1000
    assert longest < 0.15
