"""How often a worker's call is tried again: capped in attempts and time, with jitter and ``Retry-After``."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from airflow_provider_ekyc.exceptions import EkycApiError, EkycError
from airflow_provider_ekyc.log_lines import warn


@dataclass(frozen=True, slots=True)
class Retries:
    """
    The limits of one call.

    :param attempts: tries at the most, the first one included
    :param seconds: no further try starts after this long
    :param first_wait: seconds before the second try; it doubles, plus up to half of jitter
    :param longest_wait: seconds between two tries, unless the server asks for more
    """

    attempts: int = 5
    seconds: float = 300.0
    first_wait: float = 1.0
    longest_wait: float = 60.0


def wait_seconds(error: EkycError, tries: int, retries: Retries, jitter: float) -> float:
    """
    Return how long to wait before the next try.

    :param tries: tries made so far, from 1
    :param jitter: a random number from 0 to 1
    """
    backoff = min(retries.first_wait * 2.0 ** (tries - 1), retries.longest_wait) * (1 + jitter / 2)
    return max(backoff, error.retry_after or 0.0)


def retrying(
    retries: Retries,
    log: logging.Logger,
    *,
    kinds: type[EkycError] = EkycApiError,
    enough: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    uniform: Callable[[], float] = random.random,
) -> tenacity.Retrying:
    """
    Return a caller that repeats what may succeed later, and nothing else.

    A submission that may have been charged is not retryable. The last error is raised as it is.

    :param kinds: the errors that may be repeated, if they say so themselves
    :param enough: asked after each failure: whether to stop, also before the caps of ``retries``
    """

    def is_retryable(error: BaseException) -> bool:
        return isinstance(error, kinds) and error.retryable

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, EkycError):
            return 0.0
        return wait_seconds(error, state.attempt_number, retries, uniform())

    def log_wait(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        warn(log, f"{error} Trying again in {seconds:.0f} s (try {state.attempt_number + 1}).")

    caps = tenacity.stop_after_attempt(retries.attempts) | tenacity.stop_before_delay(retries.seconds)
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_retryable),
        wait=wait,
        stop=lambda state: enough() or caps(state),
        before_sleep=log_wait,
        sleep=sleep,
        reraise=True,
    )
