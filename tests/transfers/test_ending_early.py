"""A task that is ended by a kill or its time-out closes no file under a thread that still reads it."""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.results import transfer as transfer_job
from airflow_provider_ekyc.results.compare import submitted_input
from airflow_provider_ekyc.results.output.convert import convert
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.record import Submission
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from tests.conftest import BUCKET, keys_of

pytestmark = pytest.mark.usefixtures("connections")


class Ended(BaseException):
    """What Airflow's handler of SIGTERM raises, or its time-out."""


@pytest.fixture
def signal_raises() -> Iterator[None]:
    def end(*_: object) -> None:
        raise Ended

    before = signal.signal(signal.SIGUSR1, end)
    yield
    signal.signal(signal.SIGUSR1, before)


def end_now() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def land(ekyc_task_id: str, context: dict[str, Any]) -> None:
    with pytest.raises(Ended):
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=ekyc_task_id, s3_bucket=BUCKET, s3_key="k.zip").execute(
            context
        )


@pytest.mark.usefixtures("signal_raises")
def test_while_the_check_is_waited_for(
    exported: str, s3: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    def slow_convert(reader: Any, *arguments: Any, **named: Any) -> Any:
        output = convert(reader, *arguments, **named)
        end_now()
        threading.Event().wait(0.3)  # the other thread has its error by then, and must wait all the same
        found.append("closed" if reader.file.spool.closed else "open")
        return output

    monkeypatch.setattr(transfer_job, "convert", slow_convert)
    land(exported, context)
    assert found == ["open"]
    assert keys_of(s3) == []


@pytest.mark.usefixtures("signal_raises")
def test_before_the_download_has_begun(
    exported: str, s3: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_download(*_: Any, **__: Any) -> None:
        end_now()
        threading.Event().wait(5)

    monkeypatch.setattr(transfer_job, "download", no_download)
    land(exported, context)  # and does not wait for a reader that nobody would wake
    for thread in threading.enumerate():
        if thread.name.startswith("ekyc-check"):
            thread.join(5)
            assert not thread.is_alive()
    assert keys_of(s3) == []


class Slow(io.RawIOBase):
    """An input that comes for a minute, a little at a time."""

    left = 1200

    def read(self, size: int = -1, /) -> bytes:
        threading.Event().wait(0.05)
        self.left -= 1
        return b"+9990000000001\n" if self.left > 0 else b""


@contextmanager
def slow_numbers(*_: Any, **__: Any) -> Iterator[Slow]:
    yield Slow()


def refuse_the_download(sandbox: Sandbox) -> None:
    sandbox.fault("result", "status", status=404, body="<Error><Code>NoSuchKey</Code></Error>")


def damage_the_archive(sandbox: Sandbox) -> None:
    sandbox.fault("result", "wrong_crc")


@pytest.mark.parametrize("go_wrong", [refuse_the_download, damage_the_archive])
def test_a_failure_does_not_wait_for_the_input(
    sandbox: Sandbox,
    exported: str,
    s3: Any,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    go_wrong: Callable[[Sandbox], None],
) -> None:
    monkeypatch.setattr(submitted_input, "open_numbers", slow_numbers)
    go_wrong(sandbox)
    begun = time.monotonic()
    with pytest.raises(EkycFailException):
        compared(exported).execute(context)
    assert time.monotonic() - begun < 30
    assert keys_of(s3) == []


@pytest.mark.usefixtures("signal_raises")
def test_a_kill_does_not_wait_for_the_input(
    exported: str, s3: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick_convert(*arguments: Any, **named: Any) -> Any:
        output = convert(*arguments, **named)
        threading.Timer(0.3, end_now).start()  # when the check is done, and the input alone is waited for
        return output

    monkeypatch.setattr(submitted_input, "open_numbers", slow_numbers)
    monkeypatch.setattr(transfer_job, "convert", quick_convert)
    begun = time.monotonic()
    with pytest.raises(Ended):
        compared(exported).execute(context)
    assert time.monotonic() - begun < 30
    assert keys_of(s3) == []


def compared(ekyc_task_id: str) -> EkycResultsToS3Operator:
    submission = Submission(ekyc_task_id, "amazon", "0" * 64, 200, 0, 0, 0, 200, 200, None, "0" * 64)
    return EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=ekyc_task_id,
        s3_bucket=BUCKET,
        s3_key="k.zip",
        numbers="numbers.txt",
        submission=submission.as_dict(),
    )
