"""
Where a task ends, an :class:`EkycError` becomes the Airflow exception that it calls for.

What can't succeed by itself must not be retried, whatever ``retries`` says: on every version of Airflow
and in every mode of a sensor that is what ``AirflowFailException`` means (``soft_fail`` then skips).

Each of these exceptions keeps what the error knew, so that an ``on_failure_callback`` (``context["exception"]``)
and a retry policy can branch on it instead of reading its message. ``docs/failures.md`` has the values.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ekyc.airflow_sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
)
from airflow_provider_ekyc.exceptions import Charge, Details, EkycError, EkycUnknownOutcomeError
from airflow_provider_ekyc.reported import report
from airflow_provider_ekyc.runbook import runbook_entry
from airflow_provider_ekyc.ways_out import PAGE_WAY_OUT
from airflow_provider_ekyc.xcom_keys import FAILURE

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context

log = logging.getLogger(__name__)

#: Characters of a failure's message in its XCom, at the most.
MOST_OF_A_MESSAGE = 2_000


class EkycFailure:
    """What every exception has with which a task of this package fails; mixed into one of Airflow's."""

    #: A word for the kind of error, as in ``docs/failures.md``; it stays the same in later releases.
    kind: str = "unexpected"
    #: HTTP status of the API's answer, or None.
    status: int | None = None
    #: Whether a retry may succeed.
    retryable: bool = False
    #: Seconds that the server asked to wait, or None; ``EkycRetryPolicy`` waits so long.
    retry_after: float | None = None
    #: Whether the submission was charged, as far as this try knows: ``none``, ``possible`` or ``certain``.
    charge: str = Charge.POSSIBLE.value
    #: Whether it was written to the task's log and XComs.
    is_reported: bool = False

    @classmethod
    def of(cls, message: str, details: Mapping[str, Any]) -> Self:
        """
        Return the exception with what is known.

        :param message: what happened and what to do
        :param details: what :meth:`EkycError.details` returned; an event of an earlier release has fewer
        """
        failure = cls(message)  # type: ignore[call-arg]  # of the exception that it is mixed into
        for name in Details.__annotations__.keys() & details.keys():
            setattr(failure, name, details[name])
        return failure


class EkycFailException(EkycFailure, AirflowFailException):
    """The task fails for good; Airflow does not retry it."""


class EkycRetryException(EkycFailure, AirflowException):
    """The task fails, and a retry may help; Airflow retries it as ``retries`` says."""

    retryable = True


class EkycSensorTimeout(EkycFailure, AirflowSensorTimeout):
    """The sensor's ``timeout`` is over; Airflow does not retry it."""


class EkycTaskTimeout(EkycFailure, AirflowTaskTimeout):
    """The task's ``execution_timeout`` is over; Airflow retries it as ``retries`` says."""

    retryable = True


_FAILURES = (EkycFailException, EkycRetryException, EkycSensorTimeout, EkycTaskTimeout)


@contextmanager
def airflow_errors(task: Any = None, context: Context | None = None, *, submitted: bool = False) -> Iterator[None]:
    """
    Turn an :class:`EkycError` of the block into the Airflow exception that it calls for, and log it for a person.

    The log is written before the exception is raised, so that it stands above the traceback that Airflow writes.

    :param task: the operator or sensor; its ``ekyc_task_id``, if it has one, is the remote task that a failure names
    :param context: of the task's try, to which the XCom ``failure`` is pushed
    :param submitted: whether the block is about a remote task, which may have been charged
    :raises EkycFailException: for what can't succeed by itself
    :raises EkycRetryException: for what may
    """
    try:
        yield
    except EkycError as error:
        details = error.details(submitted=submitted)
        # Without the cause: an HTTP library's own text may quote a presigned URL, a UnicodeDecodeError holds rows of a
        # list. "from None" only hides it, while a callback is given the exception with all that it refers to.
        error.__cause__ = error.__context__ = None
        failure = (EkycRetryException if error.retryable else EkycFailException).of(error.message, details)
        _report(failure, task, context, error.steps, error.advice)
        raise failure from None
    except _FAILURES as failure:
        # How a wait has ended: the sensor raises it itself. Blocks are nested, so it may be reported already.
        if not failure.is_reported:
            _report(failure, task, context)
        raise


def _report(
    failure: EkycFailure, task: Any, context: Context | None, steps: tuple[str, ...] = (), advice: str = ""
) -> None:
    """Write a failure into the task's log and its XCom. Whatever goes wrong here, the failure itself is raised."""
    failure.is_reported = True
    try:
        from airflow_provider_ekyc.log_lines import failure_lines, log_lines

        if steps and failure.kind == EkycUnknownOutcomeError.kind and not failure.retryable and _has_row(context, task):
            steps = (PAGE_WAY_OUT, *steps)
        is_skipped = bool(getattr(task, "never_fail", False))
        is_retried = failure.retryable and _has_tries_left(context) and not is_skipped
        lines = failure_lines(
            str(failure).replace(advice, "", 1),
            kind=failure.kind,
            charge=failure.charge,
            retryable=is_retried,
            steps=steps,
            ekyc_task_id=_remote_task(task),
            runbook=runbook_entry(failure.kind),
        )
        log_lines(log, logging.WARNING if is_retried else logging.ERROR, lines)
    except Exception as error:  # noqa: BLE001  # a report must not take the place of what it reports
        log.warning("The failure could not be explained (%s).", type(error).__name__)
    if context is not None:
        report(context, FAILURE, lambda: _shown(failure, task))


def _has_tries_left(context: Context | None) -> bool:
    """Return whether Airflow tries the task again after this try, as far as the task instance says."""
    ti = None if context is None else context["ti"]
    try_number, max_tries = getattr(ti, "try_number", None), getattr(ti, "max_tries", None)
    return not isinstance(try_number, int) or not isinstance(max_tries, int) or try_number <= max_tries


def _has_row(context: Context | None, task: Any) -> bool:
    """Return whether the task instance has a row on the page eKYC."""
    from airflow_provider_ekyc.links.ekyc import address_of_row

    return context is not None and bool(address_of_row(context["ti"], task))


def _shown(failure: EkycFailure, task: Any) -> dict[str, Any]:
    """Return the XCom ``failure``."""
    message = str(failure)
    return {
        "kind": failure.kind,
        "status": failure.status,
        "retryable": failure.retryable,
        "charge": failure.charge,
        "message": message if len(message) <= MOST_OF_A_MESSAGE else f"{message[: MOST_OF_A_MESSAGE - 3]}...",
        "ekyc_task_id": _remote_task(task),
        "runbook": runbook_entry(failure.kind),
    }


def _remote_task(task: Any) -> str | None:
    """Return the id of the remote task that a task is about, if it has one."""
    from airflow_provider_ekyc.api.task_ids import checked_task_id

    try:
        return checked_task_id(getattr(task, "ekyc_task_id", None))
    except EkycError:
        return None
