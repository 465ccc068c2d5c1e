"""The spans of whole tasks, as OpenTelemetry's SDK gets them: ``tracing.py``. ``tests/monitoring`` runs a stack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_provider_ekyc import tracing
from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.task_context import context_of
from tests.conftest import API_KEY, BUCKET
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls")


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans that have ended, of a provider that is OpenTelemetry's, as Airflow 3.2 and later sets one."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", lambda name: provider.get_tracer(name))
    monkeypatch.setenv("AIRFLOW__TRACES__OTEL_ON", "True")
    tracing.traces_are_on.cache_clear()
    yield exporter
    monkeypatch.undo()
    tracing.traces_are_on.cache_clear()


def tree(exporter: InMemorySpanExporter) -> dict[str, str | None]:
    """Name of each span -> name of the span around it."""
    spans = exporter.get_finished_spans()
    names = {span.context.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent.span_id) if span.parent else None for span in spans}


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = (span for span in exporter.get_finished_spans() if span.name == name)
    return found


def test_a_submission(
    finished: InMemorySpanExporter, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(context)
    assert tree(finished) == {"ekyc.send": "ekyc.submit", "ekyc.submit": None}
    assert dict(named(finished, "ekyc.submit").attributes or {}) == {
        "ekyc.ekyc_task_id": ekyc_task_id,
        "ekyc.task_type": "amazon",
        "ekyc.rows": 200,
    }


def test_a_preparation(
    finished: InMemorySpanExporter, numbers_file: Path, tmp_path: Path, context: dict[str, Any]
) -> None:
    prepare = EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(numbers_file), destination_uri=str(tmp_path / "ready"), max_rows=100
    )
    prepare.execute(context)
    assert dict(named(finished, "ekyc.prepare").attributes or {}) == {"ekyc.files": 2, "ekyc.rows": 200}


def test_a_submission_that_fails(
    finished: InMemorySpanExporter, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "status_after", status=502)
    with pytest.raises(EkycFailException):
        EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(context)
    for name, kind in (("ekyc.send", "unavailable"), ("ekyc.submit", "unknown_outcome")):
        assert not named(finished, name).status.is_ok
        assert (named(finished, name).attributes or {})["error.type"] == kind


@pytest.mark.usefixtures("s3")
def test_a_landing(finished: InMemorySpanExporter, sandbox: Sandbox, context: dict[str, Any]) -> None:
    land = EkycResultsToS3Operator(task_id="land", ekyc_task_id=submitted(sandbox), s3_bucket=BUCKET, s3_key="a.zip")
    land.execute(context)
    inner = dict.fromkeys(("ekyc.query", "ekyc.download", "ekyc.upload"), "ekyc.land")
    assert tree(finished) == {**inner, "ekyc.land": None}
    size = context["ti"].xcoms["result"]["size"]
    for name in ("ekyc.download", "ekyc.upload", "ekyc.land"):
        assert (named(finished, name).attributes or {})["ekyc.bytes"] == size
    everything = "".join(span.to_json() for span in finished.get_finished_spans())
    assert all(secret not in everything for secret in ("+999", "X-Amz", API_KEY, "http"))


def test_queries_of_a_sensor_and_of_a_trigger(finished: InMemorySpanExporter, sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, deferrable=False).execute(context_of())
    asyncio.run(wait_in_triggerer(ekyc_task_id))
    spans = finished.get_finished_spans()
    assert [(span.name, dict(span.attributes or {})) for span in spans] == [
        ("ekyc.query", {"ekyc.ekyc_task_id": ekyc_task_id})
    ] * 2


async def wait_in_triggerer(ekyc_task_id: str) -> None:
    now = time.time()
    trigger = EkycTaskTrigger(
        ekyc_task_id=ekyc_task_id, ekyc_conn_id="ekyc_default", started=now, timeout_at=now + 60, ceiling=0.2
    )
    async for event in trigger.run():
        assert event.payload["end"] == "exported"


def test_an_airflow_whose_tracer_cannot_be_used_is_a_warning(
    finished: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("made up")

    monkeypatch.setattr(trace, "get_tracer", broken)
    with tracing.task_span("ekyc.submit", None, rows=1) as step:
        step.set(bytes=1)
    assert caplog.messages == ["No spans are recorded: Airflow's tracer can't be used (RuntimeError)."]
    assert not finished.get_finished_spans()


def test_a_configuration_that_is_no_boolean_is_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__TRACES__OTEL_ON", "perhaps")
    tracing.traces_are_on.cache_clear()
    assert not tracing.traces_are_on()
    assert "No spans are recorded: [traces] otel_on can't be read (AirflowConfigException)." in caplog.messages
    tracing.traces_are_on.cache_clear()


def test_spans_that_can_not_be_sent_at_the_end_of_a_task_are_a_warning(
    finished: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenProcessor:
        def force_flush(self, timeout: int) -> None:
            raise RuntimeError("made up")

    # As below Airflow 3.2, where spans are sent when a task ends.
    monkeypatch.setattr(tracing, "_airflow_tracer", lambda *_: (trace.get_tracer("a_test"), None, BrokenProcessor()))
    with tracing.task_span("ekyc.submit", None, rows=1):
        pass
    assert caplog.messages == ["The spans were not sent (RuntimeError)."]
    assert tree(finished) == {"ekyc.submit": None}
