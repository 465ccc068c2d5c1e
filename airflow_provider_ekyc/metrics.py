"""
Airflow's metrics: what was submitted, queried, waited for and landed, by task type. ``docs/monitoring.md`` lists them.

Nothing is loaded or sent unless Airflow's metrics are on (``[metrics] statsd_on``, ``statsd_datadog_enabled`` or
``otel_on``). Metrics may get lost (StatsD is UDP, a worker may be killed): the records and XComs are the account of
what was paid, not these. A metric that can't be sent is a warning in the log, and the task goes on.

Where tags are sent, the task type is a tag: ``ekyc.rows`` with ``task_type=amazon``. Where they are not, which is plain
StatsD, it is part of the name: ``ekyc.rows.amazon``, with ``__`` for a dot, as in Airflow's own names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.spans import span

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.results.transfer import ResultSource, TransferJob
    from airflow_provider_ekyc.s3.result_object import Landed
    from airflow_provider_ekyc.submission.record import Submission
    from airflow_provider_ekyc.submission.submitter import Submitter

log = logging.getLogger(__name__)

#: Counters, each by task type; their names begin with ``ekyc.``.
COUNTERS = (
    "submissions",
    "rows",
    "cost",
    "charged_calls",
    "unknown_outcomes",
    "queries",
    "query_failures",
    "bytes_landed",
)
#: Timings, each by task type.
TIMINGS = ("wait_seconds",)

#: The task type where it is not known: a remote id that comes from elsewhere.
UNKNOWN_TYPE = "unknown"

#: Where Airflow keeps its metrics, newest first. From 3.2 on there are two copies, each set up in its own component:
#: the Task SDK's by the task runner, the core's by the triggerer.
_IN_A_TASK = ("airflow.sdk.observability.stats", "airflow.stats")
_IN_THE_TRIGGERER = ("airflow.observability.stats", "airflow.stats")


@cache
def metrics_are_on() -> bool:
    """Return whether Airflow's configuration sends metrics anywhere."""
    return any(map(_is_on, ("statsd_datadog_enabled", "statsd_on", "otel_on")))


def submit_counted(submitter: Submitter, task_type: str) -> Submission:
    """
    Submit, and count it: ``submissions``, ``rows``, ``cost``, ``charged_calls``, or ``unknown_outcomes``.

    A list that was submitted before is not counted again. A try that was killed with its worker while it sent has
    counted nothing, so the next one does. The cost is the estimate, if the connection has a price.

    :param submitter: of one list
    :param task_type: what to verify
    :return: what was submitted
    :raises EkycError: as :meth:`Submitter.submit`
    """
    counts = _Counts(task_type)
    try:
        submission = submitter.submit()
    except BaseException:
        # Also if the task is killed while the list is sent.
        counts.add("charged_calls", submitter.possibly_charged + submitter.killed_before)
        counts.add("unknown_outcomes", min(submitter.possibly_charged, 1) + submitter.killed_before)
        raise
    counts.add("charged_calls", submitter.possibly_charged + submitter.killed_before)
    counts.add("unknown_outcomes", submitter.killed_before)
    if submitter.is_accepted:
        counts.add("submissions", 1)
        counts.add("rows", submission.rows if submission.total is None else submission.total)
        with suppress(TypeError, ArithmeticError):  # no price, so no cost
            counts.add("cost", float(Decimal(str(submission.estimated_cost))))
    return submission


def count_query(
    answer: Task | EkycApiError, task_type: str | None, *, waited: float | None = None, in_triggerer: bool = False
) -> None:
    """
    Count a status query: ``queries``, ``query_failures``, ``charged_calls``; and ``wait_seconds`` if it ends a wait.

    :param answer: the answer, or the error
    :param task_type: what is verified; None if that is not known
    :param waited: seconds of a wait that has just ended; None if it goes on, or if nothing waits
    :param in_triggerer: whether this runs in the triggerer; there a thread sends, so that the event loop never waits
    """
    counts = _Counts(task_type, in_triggerer=in_triggerer)
    failed = isinstance(answer, EkycApiError)
    counts.add("queries", 1)
    counts.add("query_failures", int(failed))
    # A retrieved status may be charged, as the vendor's page says: also one that could not be read.
    counts.add("charged_calls", int(not failed or answer.status == 200))
    if waited is not None:
        counts.time("wait_seconds", waited)


class CountedSource:
    """
    A source of a result whose queries are counted, and the result that it landed.

    :param source: such as ``EkycHook``
    :param job: what is to be landed; its submission, if it is known, has the task type
    """

    def __init__(self, source: ResultSource, job: TransferJob) -> None:
        self._source = source
        self._task_type = job.submission.task_type if job.submission else job.task_type
        self._is_asked = False
        self.result_connection = source.result_connection

    def get_task(self, ekyc_task_id: str) -> Task:
        """
        Request the task from the API.

        :raises EkycApiError: as the source's
        """
        self._is_asked = True
        try:
            with span("ekyc.query", ekyc_task_id=ekyc_task_id):
                task = self._source.get_task(ekyc_task_id)
        except EkycApiError as error:
            count_query(error, self._task_type)
            raise
        count_query(task, self._task_type)
        return task

    def count_landed(self, landed: Landed) -> None:
        """
        Count ``bytes_landed``, unless an earlier try has landed the result: then nothing was requested.

        :param landed: the result
        """
        if self._is_asked:
            _Counts(self._task_type).add("bytes_landed", landed.size)


class _Counts:
    """Sends counters and timings of one task type."""

    def __init__(self, task_type: str | None, *, in_triggerer: bool = False) -> None:
        self._task_type = task_type or UNKNOWN_TYPE
        self._in_triggerer = in_triggerer

    def add(self, name: str, count: float | None) -> None:
        """Add to a counter; 0 and None are not sent."""
        if count:
            self._send("incr", name, count)

    def time(self, name: str, seconds: float) -> None:
        """Send a timing."""
        self._send("timing", name, timedelta(seconds=max(seconds, 0.0)))

    def _send(self, method: str, name: str, value: object) -> None:
        try:
            if not metrics_are_on():
                return
            if self._in_triggerer:
                _later().submit(_send, _IN_THE_TRIGGERER, method, name, value, self._task_type)
            else:
                _send(_IN_A_TASK, method, name, value, self._task_type)
        except Exception as error:  # noqa: BLE001  # metrics must not fail a submission, a wait or a landing
            _warn(name, error)


def _send(places: tuple[str, ...], method: str, name: str, value: object, task_type: str) -> None:
    """Send one metric with Airflow's own client."""
    try:
        stat = f"ekyc.{name}" if _tags_are_sent() else f"ekyc.{name}.{task_type.replace('.', '__')}"
        _method(places, method)(stat, value, tags={"task_type": task_type})
    except Exception as error:  # noqa: BLE001  # a metrics client may raise anything, and a metric is an extra
        _warn(name, error)


def _method(places: tuple[str, ...], method: str) -> Callable[..., Any]:
    """Return Airflow's function, such as ``incr``, from the first place that this Airflow has."""
    for place in places:
        try:
            module = import_module(place)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{place}.".startswith(f"{error.name}."):
                raise
            continue
        found: Callable[..., Any] = getattr(module.Stats, method)
        return found
    raise ImportError("This Airflow has no metrics.")


@cache
def _tags_are_sent() -> bool:
    """Return whether what receives the metrics gets their tags, in Airflow's own order of what is on."""
    if _is_on("statsd_datadog_enabled"):
        return _is_on("statsd_datadog_metrics_tags", default=True)
    return _is_on("statsd_influxdb_enabled") if _is_on("statsd_on") else True


def _is_on(option: str, *, default: bool = False) -> bool:
    from airflow_provider_ekyc.airflow_sdk import conf

    try:
        return bool(conf.getboolean("metrics", option, fallback=default))
    except Exception as error:  # noqa: BLE001  # a setting that is no boolean must not fail the task
        log.warning("[metrics] %s can't be read (%s).", option, type(error).__name__)
        return False


@cache
def _later() -> ThreadPoolExecutor:
    """Return the thread that sends the triggerer's metrics: to set the client up may take a look-up of a host."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="ekyc-metrics")


def _warn(name: str, error: Exception) -> None:
    log.warning("The metric ekyc.%s was not sent (%s).", name, type(error).__name__)
