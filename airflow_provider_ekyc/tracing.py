"""
Airflow's own OpenTelemetry tracing, for the spans of ``spans.py``: where it is on, and nothing where it is not.

Spans are children of Airflow's span of the task, or of its trigger from 3.2 on:

- From 3.2 on Airflow sets OpenTelemetry up itself, and its span is the current one.
- 3.0 and 3.1 give a task what it needs to find its span (``context_carrier``).
- 2.11 calculates the ids of its spans, and records them when the task has ended.

Below 3.2 a task's process ends without any exit handler, so the spans of a task are sent when it ends. Not each as it
ends, as Airflow's own tracer for tasks would: a collector that hangs must not stand between a submission and its
receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.spans import Step, Tracer, span, traced_with

if TYPE_CHECKING:
    from opentelemetry.context import Context

log = logging.getLogger(__name__)

#: Milliseconds that the end of a task may wait for its spans to be sent, below Airflow 3.2.
FLUSH_TIMEOUT = 5000


@cache
def traces_are_on() -> bool:
    """Return whether Airflow's configuration sends traces."""
    from airflow_provider_ekyc.airflow_sdk import conf

    try:
        return bool(conf.getboolean("traces", "otel_on", fallback=False))
    except Exception as error:  # noqa: BLE001  # tracing must not fail a submission, a wait or a landing
        log.warning("No spans are recorded: [traces] otel_on can't be read (%s).", type(error).__name__)
        return False


@contextmanager
def traced(ti: Any, *, in_triggerer: bool = False) -> Iterator[None]:
    """
    Record the spans of the block, if Airflow's traces are on.

    :param ti: the task instance, whose span is the parent; None if it is not known
    :param in_triggerer: whether this runs in the triggerer, where nothing may block
    """
    if not traces_are_on():
        yield
        return
    try:
        tracer, parent, flush = _airflow_tracer(ti, in_triggerer)
    except Exception as error:  # noqa: BLE001  # tracing must not fail a submission, a wait or a landing
        log.warning("No spans are recorded: Airflow's tracer can't be used (%s).", type(error).__name__)
        yield
        return
    with _current(parent), traced_with(tracer):
        try:
            yield
        finally:
            _flush(flush)


@contextmanager
def task_span(name: str, ti: Any, **attributes: str | float | None) -> Iterator[Step]:
    """
    Record one span of a whole task, and the spans within it.

    :param name: such as ``ekyc.submit``
    :param ti: the task instance
    :param attributes: ids and counts
    """
    with traced(ti), span(name, **attributes) as step:
        yield step


@contextmanager
def _current(parent: Context | None) -> Iterator[None]:
    """Let spans of the block be children of this one; without one, of the span that is current anyway."""
    if parent is None:
        yield
        return
    from opentelemetry.context import attach, detach

    token = attach(parent)
    try:
        yield
    finally:
        detach(token)


def _airflow_tracer(ti: Any, in_triggerer: bool) -> tuple[Tracer, Context | None, Any]:
    """Return the tracer, the parent if it is not the current span, and what is to be flushed at the end."""
    try:
        from airflow.traces.tracer import Trace
    except ModuleNotFoundError:  # Airflow 3.2 and later
        from opentelemetry import trace

        return trace.get_tracer(__name__.partition(".")[0]), None, None
    tracer, flush = _own_tracer(Trace, in_triggerer)
    # A trigger is given no carrier, and to read the run on 2.11 would block the event loop.
    return tracer, None if in_triggerer else _parent(ti), flush


@cache
def _own_tracer(trace: Any, in_triggerer: bool) -> tuple[Tracer, Any]:
    """Return one tracer per process, for Airflow below 3.2; and what is to be flushed when a task ends."""
    from airflow.traces import otel_tracer

    made = otel_tracer.get_otel_tracer(trace)
    return made.get_tracer(__name__.partition(".")[0]), None if in_triggerer else made.span_processor


def _parent(ti: Any) -> Context | None:
    """Return Airflow's own span of the task, below 3.2."""
    if ti is None:
        return None
    carrier = getattr(ti, "context_carrier", None)
    if carrier:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator().extract(carrier)
    if not hasattr(ti, "dag_run"):
        return None
    from airflow.traces.utils import gen_span_id, gen_trace_id  # Airflow 2
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(
        trace_id=int(gen_trace_id(dag_run=ti.dag_run, as_int=True)),
        span_id=int(gen_span_id(ti=ti, as_int=True)),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))


def _flush(processor: Any) -> None:
    if processor is None:
        return
    try:
        processor.force_flush(FLUSH_TIMEOUT)
    except Exception as error:  # noqa: BLE001  # as above
        log.warning("The spans were not sent (%s).", type(error).__name__)
