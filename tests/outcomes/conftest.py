from __future__ import annotations

import functools
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import botocore.endpoint
import botocore.loaders
import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.conftest import API_KEY
from tests.outcomes.stage import Stage, die


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """Read boto's own files once: each new client reads megabytes of JSON, a third of a second."""
    with mock.patch("botocore.loaders.create_loader", functools.cache(botocore.loaders.create_loader)):
        yield


@pytest.fixture
def clock() -> SimpleNamespace:
    """By how many seconds the sandbox's clock is ahead."""
    return SimpleNamespace(ahead=0.0)


@pytest.fixture
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """The API, with a clock that can be put forward."""
    with Sandbox(API_KEY, clock=lambda: time.time() + clock.ahead) as running:
        yield running


@pytest.fixture
def stage(
    sandbox: Sandbox,
    clock: SimpleNamespace,
    connect: Callable[..., None],
    numbers_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    no_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """One job between the servers; nothing waits, a kill kills."""
    connect(sandbox)
    caplog.set_level("INFO", "airflow_provider_ekyc")

    def logged() -> str:
        out, err = capfd.readouterr()
        # What goes through both is counted once.
        told = list(dict.fromkeys(record.getMessage() for record in caplog.records))
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        printed = [line for line in (out + err).splitlines() if not any(message in line for message in told)]
        return "\n".join([*lines, *printed])

    quick = SimpleNamespace(sleep=no_waits.append, time=time.time)
    monkeypatch.setattr(botocore.endpoint, "time", quick)
    before = signal.signal(signal.SIGALRM, die)
    with ExitStack() as servers:
        made = Stage(sandbox, clock, connect, numbers_file, tmp_path / "journal", logged, servers)
        made.waited = no_waits
        yield made
    signal.signal(signal.SIGALRM, before)
