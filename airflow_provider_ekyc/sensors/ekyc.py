"""Sensor that waits until a remote task's results can be downloaded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ekyc.airflow_errors import (
    EkycFailException,
    EkycRetryException,
    EkycSensorTimeout,
    EkycTaskTimeout,
    airflow_errors,
)
from airflow_provider_ekyc.airflow_sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    TaskDeferralError,
)
from airflow_provider_ekyc.arguments import read_bool, read_number, read_seconds
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.links.ekyc import EkycConsoleLink, EkycPageLink, show_console, show_row
from airflow_provider_ekyc.reported import report
from airflow_provider_ekyc.xcom_keys import PROGRESS, SUMMARY

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, XComArg
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.polling.interval import PollPolicy
    from airflow_provider_ekyc.polling.poller import Poller
    from airflow_provider_ekyc.polling.progress import Progress

#: Seconds that a deferral lasts at the most, ten years: Airflow adds it to a date, and dates end with the year 9999.
_LONGEST = 3650 * 86_400.0


class EkycTaskSensor(BaseSensorOperator):
    """
    Wait until the remote task is ``exported``; by default without holding a worker.

    Its return value is a summary: ``ekyc_task_id``, ``status``, ``total``, ``success``, ``failure``,
    ``created_at``, ``updated_at``, ``seconds`` waited, ``queries`` made. Never a URL. Three more XComs are for the UI:
    ``progress``, overwritten at each query; ``summary``, one line of text; ``failure``, why a wait has failed.

    A failed query (5xx, 429, a lost connection, an unreadable answer, a proxy's page) never ends the wait; a wrong
    key, a failed remote task, and a task that the API does not know for ten minutes do, without retries. A task
    found exported at the deadline has succeeded. With ``soft_fail`` a failed remote task is skipped too, as
    Airflow has it.

    :param ekyc_task_id: the remote task: the return value of ``EkycSubmitOperator``, or a literal id
        (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param deferrable: wait in the triggerer. True independently of ``[operators] default_deferrable``,
        whose default is False
    :param poll_interval: time between two queries, fixed, at least one second: a ``timedelta``, or seconds
        (templated). By default the progress decides: near the projected end, otherwise less and less often,
        since an answered query may be charged
    :param poke_interval: the same, by Airflow's name for it
    :param max_failure_rate: fail if more than this share (0 to 1) of the numbers could not be processed (templated)
    :param max_wait: seconds between two queries at the most (one hour)
    :param exponential_backoff: a fixed interval doubles with each query, up to ``max_wait``
    :param silent_fail: refused: a failed query never ends the wait anyway, and what ends it must be seen
    :param timeout: seconds from the start of this try to the end of the wait (Airflow's default: 7 days)
    """

    template_fields: Sequence[str] = (
        "ekyc_task_id",
        "ekyc_conn_id",
        "poll_interval",
        "deferrable",
        "max_failure_rate",
    )
    ui_color = "#e6f1f2"
    operator_extra_links = (EkycPageLink(), EkycConsoleLink())

    def __init__(
        self,
        *,
        ekyc_task_id: str | XComArg,
        ekyc_conn_id: str = EkycHook.default_conn_name,
        deferrable: bool | str = True,
        poll_interval: timedelta | float | str | None = None,
        poke_interval: timedelta | float | None = None,
        max_wait: timedelta | float | None = None,
        max_failure_rate: float | str | None = None,
        silent_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        if silent_fail:
            raise ValueError(
                "EkycTaskSensor does not accept silent_fail: a failed query never ends the wait, and a wrong key, an "
                "unknown task or a failed remote task must not be ignored."
            )
        if poke_interval is not None:
            kwargs["poke_interval"] = poke_interval
        super().__init__(max_wait=max_wait, **kwargs)
        self.ekyc_task_id = ekyc_task_id
        self.ekyc_conn_id = ekyc_conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.max_failure_rate = max_failure_rate
        self._poke_interval_given = poke_interval is not None
        self._ask_at: float | None = None
        self._poller: Poller | None = None
        self._progress: Progress | None = None

    def execute(self, context: Context) -> Any:
        """Defer at once (the trigger makes the first query), or poke."""
        from airflow_provider_ekyc.api.task_ids import checked_task_id

        with self._skipping(), airflow_errors(self, context, submitted=True):
            show_row(context)
            self._most_failures()  # a wrong rate is an error before the wait, not after it
            if read_bool("deferrable", self.deferrable):
                self._defer(context)
            show_console(self, context, self.ekyc_conn_id, checked_task_id(self.ekyc_task_id))
            return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the summary, or raise what the event calls for; an unexpected event is a failure."""
        with self._skipping(), airflow_errors(self, context, submitted=True):
            summary = self._exported(context, event or {})
            self.log.info("Remote task %s is exported.", self.ekyc_task_id)
            return summary

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume as Airflow does; but soft_fail does not skip what a retry may help, as it does not on a worker.

        A trigger that could not run, for one because the triggerer lacks a module, is such a failure, too.
        """
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skipped:
            error = skipped.__cause__
            if not (self.soft_fail and isinstance(error, (EkycRetryException, TaskDeferralError))):
                raise
        raise error

    def on_kill(self) -> None:
        """Say that the paid task goes on, in poke and in reschedule mode; while deferred the trigger says it."""
        from airflow_provider_ekyc.log_lines import warn
        from airflow_provider_ekyc.polling.poller import STILL_PAID

        warn(self.log, STILL_PAID % self.ekyc_task_id)

    def poke(self, context: Context) -> PokeReturnValue:
        """Query once, in poke and in reschedule mode."""
        from airflow_provider_ekyc.api.retries import Retries
        from airflow_provider_ekyc.exceptions import EkycApiError
        from airflow_provider_ekyc.metrics import count_query
        from airflow_provider_ekyc.polling.progress import Progress
        from airflow_provider_ekyc.sensors.submitted_type import submitted_task_type
        from airflow_provider_ekyc.tracing import task_span

        poller = self._poller = self._poller or self._new_poller(context)
        with (
            airflow_errors(self, context, submitted=True),
            EkycHook(self.ekyc_conn_id, retries=Retries(attempts=1)).get_conn() as client,
        ):
            try:
                with task_span("ekyc.query", context.get("ti"), ekyc_task_id=str(self.ekyc_task_id)):
                    answer: Task | EkycApiError = client.get_task(self.ekyc_task_id)
            except EkycApiError as error:
                answer = error
            now = time.time()
            decision = poller.decide(answer, now, random.random())
            decision.log_to(self.log)
            waited = None if decision.ask_at else time.time() - poller.started
            count_query(answer, submitted_task_type(self, context, str(self.ekyc_task_id)), waited=waited)
            self._progress = self._progress or Progress(str(self.ekyc_task_id), poller.started)
            report(context, PROGRESS, partial(self._progress.after, answer, decision, now))
            self._ask_at = decision.ask_at
            if decision.ask_at is None:
                return PokeReturnValue(True, self._exported(context, decision.event))
            return PokeReturnValue(False)

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Let the policy decide (Airflow calls this in poke and in reschedule mode)."""
        return self.poke_interval if self._ask_at is None else max(self._ask_at - time.time(), 0.0)

    def _defer(self, context: Context) -> NoReturn:
        from airflow_provider_ekyc.api.task_ids import checked_task_id
        from airflow_provider_ekyc.polling.poller import BACKSTOP, Deadline
        from airflow_provider_ekyc.polling.progress import Progress
        from airflow_provider_ekyc.sensors.submitted_type import submitted_task_type
        from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

        ekyc_task_id = checked_task_id(self.ekyc_task_id)
        policy = self._policy()
        now = time.time()
        begun = context["ti"].start_date
        limit = self.execution_timeout
        deadline = Deadline(
            timeout=now + min(self.timeout, _LONGEST),
            execution_timeout=None if not limit else (begun.timestamp() if begun else now) + limit.total_seconds(),
        )
        self.log.info("Waiting for remote task %s in the triggerer.", ekyc_task_id)
        report(context, PROGRESS, Progress(ekyc_task_id, now).before(None))
        show_console(self, context, self.ekyc_conn_id, ekyc_task_id)
        self.defer(
            trigger=EkycTaskTrigger(
                ekyc_task_id=ekyc_task_id,
                ekyc_conn_id=self.ekyc_conn_id,
                started=now,
                timeout_at=deadline.timeout,
                execution_timeout_at=deadline.execution_timeout,
                poll_interval=policy.poll_interval,
                ceiling=policy.ceiling,
                exponential_backoff=policy.exponential_backoff,
                task_type=submitted_task_type(self, context, ekyc_task_id),
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=max(deadline.at - now, 0.0) + BACKSTOP),
        )

    def _checked(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the summary, unless too many numbers could not be processed."""
        most = self._most_failures()
        failure = result.get("failure") or 0
        total = result.get("total") or (result.get("success") or 0) + failure
        if most is not None and total and failure / total > most:
            message = (
                f"{failure:,} of {total:,} numbers of remote task {self.ekyc_task_id} could not be processed "
                f"({failure / total:.1%}, more than max_failure_rate={most:g}). It is exported and already paid for: "
                f"EkycResultsToS3Operator writes its result to S3, with this id."
            )
            raise EkycFailException.of(message, {"kind": "too_many_failures", "charge": "certain"})
        return result

    def _most_failures(self) -> float | None:
        if self.max_failure_rate in (None, "", "None"):
            return None
        return read_number("max_failure_rate", self.max_failure_rate, most=1.0)

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """
        Skip where Airflow's own sensor skips on a worker, also before and after a deferral.

        Airflow does so on resuming only from 3.0, and not for an ``AirflowTaskTimeout``, nor before a deferral.
        """
        try:
            yield
        except (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout) as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(error)) from error
            raise
        except EkycRetryException as error:
            if self.never_fail:
                raise AirflowSkipException(str(error)) from error
            raise

    def _policy(self) -> PollPolicy:
        from airflow_provider_ekyc.polling.interval import CEILING, FIXED_FLOOR, PollPolicy

        interval: object = self.poll_interval
        if interval in (None, "", "None"):
            interval = self.poke_interval if self._poke_interval_given else None
        return PollPolicy(
            poll_interval=None if interval is None else read_seconds("poll_interval", interval, least=FIXED_FLOOR),
            ceiling=CEILING
            if self.max_wait is None
            else read_seconds("max_wait", self.max_wait.total_seconds(), least=FIXED_FLOOR),
            exponential_backoff=self.exponential_backoff,
        )

    def _new_poller(self, context: Context) -> Poller:
        from airflow_provider_ekyc.polling.poller import Deadline, Poller

        first = _first_reschedule(context) if self.reschedule else None
        started = first.timestamp() if first else time.time()
        # Airflow itself enforces execution_timeout while the task runs on a worker.
        return Poller(self._policy(), started, Deadline(started + self.timeout))

    def _exported(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return the summary of a wait that has ended, and push it as a line of text; or raise."""
        from airflow_provider_ekyc.summaries import wait_summary

        summary = self._result(event)
        report(context, SUMMARY, partial(wait_summary, summary))
        return summary

    def _result(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the summary of a wait that has ended, in any mode; or raise what the event calls for."""
        from airflow_provider_ekyc.polling.poller import SUBMIT_ANEW, End

        end = event.get("end")
        if end == End.EXPORTED.value and isinstance(event.get("summary"), dict):
            return self._checked(dict(event["summary"]))
        message = str(event.get("message") or "The trigger returned an unexpected event.")
        keeps = (
            f"Remote task {self.ekyc_task_id} is already paid for and continues; clear this task to wait again, or "
            f"give the id to another EkycTaskSensor or EkycResultsToS3Operator."
        )
        if end == End.TIMEOUT.value:
            raise EkycSensorTimeout.of(f"Not exported within {self.timeout:g} s. {message} {keeps}", event)
        if end == End.EXECUTION_TIMEOUT.value:
            # Unlike a timeout it is retried by Airflow, unless it is skipped; log, XCom and notification say so.
            details = {**event, "retryable": not (self.soft_fail or self.never_fail)}
            raise EkycTaskTimeout.of(f"Not exported within the execution_timeout. {message} {keeps}", details)
        if end == End.FAILED.value:
            message += (
                f" Neither a retry nor another wait can help. Whether it was charged is not documented: see the "
                f"account's bill. {SUBMIT_ANEW}"
            )
        raise (EkycRetryException if event.get("retryable") else EkycFailException).of(message, event)


def _first_reschedule(context: Context) -> datetime | None:
    """Return when this wait was first rescheduled, or None if it has just begun."""
    ti = context["ti"]
    if hasattr(ti, "get_first_reschedule_date"):
        return ti.get_first_reschedule_date(context)
    from airflow.sensors.base import _orig_start_date  # Airflow 2, whose base sensor asks in the same way

    first_try = ti.max_tries - (context["task"].retries or 0) + 1
    first: datetime | None = _orig_start_date(ti.dag_id, ti.task_id, ti.run_id, ti.map_index, first_try)
    return first
