"""
Spans of what a task does, for OpenTelemetry. Free of Airflow; does nothing unless a tracer was set.

Lower floors mark their steps with :func:`span`; ``tracing.py`` sets Airflow's tracer where a task begins, if
Airflow's traces are on. Without a tracer a step costs a look-up of one variable, and OpenTelemetry is not imported.

Attributes are ids and counts only: never a number, a key, an address with its query, or the text of an error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, Self

from airflow_provider_ekyc.exceptions import EkycError

log = logging.getLogger(__name__)


class Tracer(Protocol):
    """What is used of OpenTelemetry's ``Tracer``."""

    def start_as_current_span(
        self, name: str, *, record_exception: bool, set_status_on_exception: bool
    ) -> AbstractContextManager[Any]:
        """Return a context manager that starts a span, and ends it."""
        ...


_tracer: ContextVar[Tracer | None] = ContextVar("ekyc_tracer", default=None)


@contextmanager
def traced_with(tracer: Tracer | None) -> Iterator[None]:
    """
    Let :func:`span` use this tracer within the block, in this thread or coroutine.

    :param tracer: None for no spans
    """
    token = _tracer.set(tracer)
    try:
        yield
    finally:
        _tracer.reset(token)


def span(name: str, **attributes: str | float | None) -> Step:
    """
    Return a context manager that is one span; what it yields can ``set`` more attributes.

    :param name: such as ``ekyc.download``
    :param attributes: ids and counts; None leaves one out
    """
    return Step(name, attributes)


class Step:
    """
    One step. A tracer that fails never fails the step.

    :param name: of the span
    :param attributes: ids and counts; None leaves one out
    """

    __slots__ = ("_attributes", "_manager", "_name", "_span")

    def __init__(self, name: str, attributes: dict[str, str | float | None]) -> None:
        self._name = name
        self._attributes = attributes
        self._manager: AbstractContextManager[Any] | None = None
        self._span: Any = None

    def __enter__(self) -> Self:
        tracer = _tracer.get()
        if tracer is not None:
            try:
                # An exception's text and traceback may quote what must not leave the worker, so neither is recorded.
                manager = tracer.start_as_current_span(
                    self._name, record_exception=False, set_status_on_exception=False
                )
                self._span = manager.__enter__()
                self._manager = manager
            except Exception as error:  # noqa: BLE001  # a tracer must not fail a submission, a wait or a landing
                self._warn(error)
            self.set(**self._attributes)
        return self

    def set(self, **attributes: str | float | None) -> None:
        """
        Add attributes to the span; nothing if there is none.

        :param attributes: ids and counts; None leaves one out
        """
        if self._span is None:
            return
        try:
            for key, value in attributes.items():
                if value is not None:
                    self._span.set_attribute(f"ekyc.{key}", value)
        except Exception as error:  # noqa: BLE001  # as above
            self._warn(error)

    def fail(self, error: BaseException) -> None:
        """
        Mark the span as failed, with the kind of the error; its text is not recorded.

        :param error: what ended the step
        """
        if self._span is None:
            return
        try:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", error.kind if isinstance(error, EkycError) else type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR))
        except Exception as failure:  # noqa: BLE001  # as above
            self._warn(failure)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._manager is None:
            return
        if error is not None:
            self.fail(error)
        try:
            self._manager.__exit__(None, None, None)
        except Exception as failure:  # noqa: BLE001  # as above
            self._warn(failure)

    def _warn(self, error: Exception) -> None:
        log.warning("The span %s was not recorded (%s).", self._name, type(error).__name__)
