"""
Where a task ends, an :class:`EkycError` becomes the Airflow exception that does the right thing.

What can't get better by itself must not be retried, whatever ``retries`` says: on every version of Airflow
and in every mode of a sensor that is what ``AirflowFailException`` means (``soft_fail`` then skips).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_ekyc.exceptions import EkycError


class EkycFailException(AirflowFailException):
    """The task fails for good; Airflow does not retry it."""


class EkycRetryException(AirflowException):
    """The task fails, and a retry may help; Airflow retries it as ``retries`` says."""


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
        raise airflow_error(error) from None


def airflow_error(error: EkycError) -> AirflowException:
    """Return the Airflow exception that this error calls for."""
    if error.retryable:
        return EkycRetryException(error.message)
    return EkycFailException(error.message)
