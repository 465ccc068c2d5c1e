"""
A signal may interrupt the main thread at each step: no thread waits forever.

Modules: ``results/range_workers.py``, ``results/growing_file.py``, ``results/download.py``.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import _base as futures
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycRequestError
from airflow_provider_ekyc.results import download as download_module, growing_file, range_workers
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.spool import spool_file
from dev.testing.waiting import wait_until
from tests.results.range_store import RangeStore, Reply, Request
from tests.results.test_download import client_for
from tests.results.test_download_ranges import EXPIRED, Killed, refusal, threads

#: What the store does with a request; None for its answer.
Scenario = Callable[[RangeStore, Request, threading.Event], Reply | None]

#: Of three steps one is interrupted; with 1 it takes half a minute.
STRIDE = 3

_LIBRARY = (threading.__file__, futures.__file__)

CONTENT = random.Random(3).randbytes(5_000)


class Interruption:
    """
    Raises :class:`Killed` in this thread at the nth bytecode of some files, as a signal's handler may.

    Also while a ``Condition`` that they use is acquired or released; not in ``Thread.start``, which uses one itself.
    """

    def __init__(self, at: int | None, *files: str | None) -> None:
        self.at, self.files, self.steps = at, files, 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> Interruption | None:
        if not self._is_traced(frame):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.steps += 1
            if self.steps == self.at:
                raise Killed
        return self

    def _is_traced(self, frame: FrameType | None) -> bool:
        is_condition = frame is not None and frame.f_code.co_name in ("__enter__", "__exit__")
        while is_condition and frame and frame.f_code.co_filename in _LIBRARY and frame.f_code.co_name != "start":
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename in self.files


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Fail if the main thread waits longer."""

    def fail(number: int, frame: object) -> None:
        raise TimeoutError(f"the main thread still waits; {threads()}")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(at: int | None, scenario: Scenario) -> tuple[int, str]:
    """Download, interrupted at this step; how many steps there were, and how it ended."""
    over, ending = threading.Event(), ""
    interruption = Interruption(at, growing_file.__file__, range_workers.__file__)
    with (
        RangeStore(CONTENT, respond=lambda request: scenario(store, request, over)) as store,
        client_for(store.url, read_timeout=60) as client,
        spool_file(None) as spool,
    ):
        file = GrowingFile(spool)
        before = sys.gettrace()
        try:
            with bounded(30):
                sys.settrace(interruption)
                try:
                    download(client.result_connection, lambda: store.result_url, file, connections=3)
                finally:
                    sys.settrace(before)
        except (Killed, EkycRequestError) as error:
            ending = type(error).__name__
        assert wait_until(lambda: not threads(), timeout=20, interval=0.001), f"step {at}: {threads()}"
        over.set()
    return interruption.steps, ending


def all_ranges(_: RangeStore, __: Request, ___: threading.Event) -> None:
    """All are answered."""


def an_expired_url(_: RangeStore, request: Request, __: threading.Event) -> Reply | None:
    """The main thread asks for a fresh one."""
    return [refusal(403, EXPIRED)] if request.nth == 1 else None


def an_error(store: RangeStore, request: Request, over: threading.Event) -> Reply | None:
    """One range is refused when another one hangs."""
    if request.nth == 1:
        over.wait(60)
    elif request.nth == 2:
        return [refusal(404, b"<Error><Code>NoSuchKey</Code></Error>")]
    return None


@pytest.mark.parametrize(
    ("scenario", "ending"), [(all_ranges, ""), (an_expired_url, ""), (an_error, "EkycRequestError")]
)
def test_an_interruption_at_any_step_ends_all_threads(
    scenario: Scenario, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "RANGE_SIZE", 1_000)
    steps, ended = run(None, scenario)
    assert ended == ending
    assert steps > 300
    endings = {run(at, scenario)[1] for at in range(1, steps + 1, STRIDE)}
    assert "Killed" in endings
    assert endings <= {"Killed", ending}  # the last steps are not in each run
