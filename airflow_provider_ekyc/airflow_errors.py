"""
Where a task ends, an :class:`EkycError` becomes the Airflow exception that it calls for.

What can't succeed by itself must not be retried, whatever ``retries`` says: on every version of Airflow
and in every mode of a sensor that is what ``AirflowFailException`` means (``soft_fail`` then skips).

Each of these exceptions keeps what the error knew, so that an ``on_failure_callback`` (``context["exception"]``)
and a retry policy can branch on it instead of reading its message. ``docs/failures.md`` has the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from airflow_provider_ekyc.airflow_sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
)
from airflow_provider_ekyc.exceptions import Charge, Details, EkycError


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
    """The task's ``execution_timeout`` is over."""


@contextmanager
def airflow_errors(*, submitted: bool = False) -> Iterator[None]:
    """
    Turn an :class:`EkycError` of the block into the Airflow exception that it calls for.

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
        raise (EkycRetryException if error.retryable else EkycFailException).of(error.message, details) from None
