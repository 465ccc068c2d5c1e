"""
A retry policy for Airflow 3.3 and later: wait as long as the server asks.

Without it a retry comes after the task's ``retry_delay``, which ``retry_exponential_backoff`` makes longer with each
try; with it no sooner. With or without it, on every version, what can't succeed by itself is not retried at all.

Below 3.3 Airflow has no retry policies, and :data:`EKYC_RETRY_POLICY` is None. A DAG file that names it in
``default_args`` is the same for all versions, since older ones leave out a default argument that they do not know:

.. code-block:: python

    from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY

    with DAG(..., default_args={"retries": 3, "retry_policy": EKYC_RETRY_POLICY}):
        ...

Given to an operator itself, ``retry_policy`` is an invalid argument below 3.3, as for any operator of Airflow: the
DAG is not imported, and the import error names it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_errors import EkycRetryException

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow_provider_ekyc.airflow_sdk import RetryDecision, RetryPolicy
    except ImportError:  # Airflow below 3.3
        RetryDecision, RetryPolicy = None, object


class EkycRetryPolicy(RetryPolicy):
    """
    Retries what may succeed later no sooner than the server's ``Retry-After``; leaves anything else to Airflow.

    A time that is not longer than what Airflow would wait at the least is left to Airflow, too.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide after a failure.

        :param exception: what the task failed with
        :param try_number: this try, from 1
        :param max_tries: tries that the task has
        :param context: of the task
        """
        if isinstance(exception, EkycRetryException) and exception.retry_after is not None:
            asked = timedelta(seconds=exception.retry_after)
            # A server may ask for a second, or none. The tries of a task would be over before it has recovered.
            if asked > _least_delay((context or {}).get("task"), try_number):
                return RetryDecision.retry(asked, reason=f"The server asked for {exception.retry_after:.0f} s")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return nothing: the policy has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EkycRetryPolicy:
        """Return the policy."""
        return cls()


def _least_delay(task: Any, try_number: int) -> timedelta:
    """Return what Airflow waits after a try, at the least: see ``TaskInstance.next_retry_datetime``."""
    delay = getattr(task, "retry_delay", None)
    if not isinstance(delay, timedelta):
        return timedelta()
    multiplier = float(getattr(task, "retry_exponential_backoff", 0) or 1)
    most = getattr(task, "max_retry_delay", None)
    try:
        delay *= multiplier ** (try_number - 1)
    except OverflowError:
        delay = timedelta.max
    return min(delay, most) if isinstance(most, timedelta) else delay


#: Ready to pass as ``retry_policy``; None below Airflow 3.3.
EKYC_RETRY_POLICY: EkycRetryPolicy | None = None if RetryDecision is None else EkycRetryPolicy()
