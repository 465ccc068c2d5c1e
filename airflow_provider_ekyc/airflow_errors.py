"""
Where a task ends, an :class:`EkycError` becomes the Airflow exception that does the right thing.

What can't get better by itself must not be retried, whatever ``retries`` says: on every version of Airflow
and in every mode of a sensor that is what ``AirflowFailException`` means (``soft_fail`` then skips).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_ekyc.airflow_sdk import AirflowException, AirflowFailException
from airflow_provider_ekyc.exceptions import EkycApiError, EkycError


class EkycFailException(AirflowFailException):
    """The task fails for good; Airflow does not retry it."""


class EkycRetryException(AirflowException):
    """The task fails, and a retry may help; Airflow retries it as ``retries`` says."""

    #: Seconds that the server asked to wait, or None; ``EkycRetryPolicy`` honours it.
    retry_after: float | None = None


@contextmanager
def airflow_errors() -> Iterator[None]:
    """
    Turn an :class:`EkycError` of the block into the Airflow exception that it calls for.

    :raises EkycFailException: for what can't get better by itself
    :raises EkycRetryException: for what may
    """
    try:
        yield
    except EkycError as error:
        # Without the cause: an HTTP library's own text may quote a presigned URL.
        raise _airflow_error(error) from None


def _airflow_error(error: EkycError) -> AirflowException:
    if not error.retryable:
        return EkycFailException(error.message)
    retry = EkycRetryException(error.message)
    if isinstance(error, EkycApiError):
        retry.retry_after = error.retry_after
    return retry
