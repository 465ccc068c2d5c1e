"""For the tests of a download without sockets: ``scripted_store.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_ekyc.results import download as download_module
from dev.testing.waiting import wait_until
from tests.results.scripted_store import SIZE
from tests.results.test_download_ranges import threads
from tests.results.test_download_signals import bounded


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """A range has as many bytes as the scripted store's first one."""
    monkeypatch.setattr(download_module, "RANGE_SIZE", SIZE)


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """No test waits for ever, and none leaves a thread."""
    with bounded(20):
        yield
    assert wait_until(lambda: not threads(), timeout=20, interval=0.001), threads()
