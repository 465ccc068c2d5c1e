"""Steps and their spans: ``spans.py``, with OpenTelemetry's own SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from airflow_provider_ekyc.exceptions import EkycBalanceError
from airflow_provider_ekyc.spans import span, traced_with

SECRET = "https://made-up.test/?X-Amz-Signature=made-up"


@pytest.fixture
def finished() -> Iterator[InMemorySpanExporter]:
    """The spans that have ended, of a tracer that is set."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with traced_with(provider.get_tracer("a_test")):
        yield exporter


def test_a_step_is_a_span_with_the_attributes_that_are_known(finished: InMemorySpanExporter) -> None:
    with span("ekyc.land", ekyc_task_id="abc", rows=None) as step:
        step.set(bytes=12)
    (ended,) = finished.get_finished_spans()
    assert (ended.name, dict(ended.attributes or {})) == ("ekyc.land", {"ekyc.ekyc_task_id": "abc", "ekyc.bytes": 12})
    assert ended.status.status_code is StatusCode.UNSET


def test_a_step_within_a_step_is_its_child(finished: InMemorySpanExporter) -> None:
    with span("ekyc.land"), span("ekyc.download"):
        pass
    inner, outer = finished.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


@pytest.mark.parametrize(
    ("error", "kind"), [(EkycBalanceError(SECRET, status=402), "balance"), (ValueError(SECRET), "ValueError")]
)
def test_of_an_error_its_kind_alone_is_recorded(finished: InMemorySpanExporter, error: Exception, kind: str) -> None:
    with pytest.raises(type(error)), span("ekyc.send"):
        raise error
    (ended,) = finished.get_finished_spans()
    assert ended.status.status_code is StatusCode.ERROR
    assert dict(ended.attributes or {}) == {"error.type": kind}
    assert not ended.events
    assert "Signature" not in ended.to_json()


class BrokenTracer:
    """Fails when a span starts, or when it ends."""

    def __init__(self, *, starts: bool) -> None:
        self._starts = starts

    @contextmanager
    def start_as_current_span(self, name: str, **_: Any) -> Iterator[None]:
        if not self._starts:
            raise RuntimeError("made up")
        yield None
        raise RuntimeError("made up")


@pytest.mark.parametrize("starts", [False, True])
def test_a_tracer_that_fails_is_a_warning(starts: bool, caplog: pytest.LogCaptureFixture) -> None:
    done = False
    with traced_with(BrokenTracer(starts=starts)), span("ekyc.send", rows=1):
        done = True
    assert done
    assert "The span ekyc.send was not recorded (RuntimeError)." in caplog.messages


class BrokenSpan:
    """Fails when anything is set."""

    def set_attribute(self, key: str, value: object) -> None:
        raise RuntimeError("made up")


class TracerOfBrokenSpans:
    @contextmanager
    def start_as_current_span(self, name: str, **_: Any) -> Iterator[BrokenSpan]:
        yield BrokenSpan()


def test_a_span_that_takes_no_attributes_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with traced_with(TracerOfBrokenSpans()), span("ekyc.send") as step:
        step.set(rows=1)
    assert caplog.messages == ["The span ekyc.send was not recorded (RuntimeError)."]


def test_a_span_that_can_not_be_marked_as_failed_is_a_warning_and_the_error_of_the_step_is_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = EkycBalanceError(SECRET, status=402)
    with pytest.raises(EkycBalanceError) as raised, traced_with(TracerOfBrokenSpans()), span("ekyc.send"):
        raise error
    assert raised.value is error
    assert caplog.messages == ["The span ekyc.send was not recorded (RuntimeError)."]


OFF = """
import sys
from airflow_provider_ekyc.spans import span
with span("ekyc.send", rows=1) as step:
    step.set(bytes=2)
print(any(name.startswith("opentelemetry") for name in sys.modules))
"""


def test_without_a_tracer_opentelemetry_is_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
