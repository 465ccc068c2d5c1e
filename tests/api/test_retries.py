from __future__ import annotations

import logging
import time

import pytest

from airflow_provider_ekyc.api.retries import Retries, retrying, wait_seconds
from airflow_provider_ekyc.exceptions import EkycApiError, EkycSettingsError, Outcome

LOG = logging.getLogger("made-up")


class Call:
    """Fails with these errors in turn, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.tries = list(errors), 0

    def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def again(retry_after: float | None = None) -> EkycApiError:
    return EkycApiError("made up.", retryable=True, retry_after=retry_after)


def test_what_may_succeed_later_is_tried_again_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    call = Call(again(), again())
    assert retrying(Retries(), LOG, sleep=waits.append, uniform=lambda: 1.0)(call) == "done"
    assert waits == [1.5, 3.0]
    assert caplog.messages == ["made up. Trying again in 2 s (try 2).", "made up. Trying again in 3 s (try 3)."]


def test_attempts_are_capped_and_the_last_error_is_raised_as_it_is() -> None:
    errors = [again() for _ in range(9)]
    call = Call(*errors)
    with pytest.raises(EkycApiError) as caught:
        retrying(Retries(attempts=3), LOG, sleep=lambda _: None)(call)
    assert caught.value is errors[2]
    assert call.tries == 3


@pytest.mark.parametrize(
    "error",
    [
        EkycApiError("x"),
        EkycApiError("x", retryable=True, outcome=Outcome.UNKNOWN),
        EkycSettingsError("x"),
        OSError("x"),
    ],
)
def test_nothing_else_is_tried_again(error: Exception) -> None:
    call = Call(error)
    with pytest.raises(type(error)):
        retrying(Retries(), LOG, sleep=lambda _: None)(call)
    assert call.tries == 1


def test_the_server_may_ask_for_more_but_never_for_less() -> None:
    assert wait_seconds(again(30), 1, Retries(), 0.0) == 30
    assert wait_seconds(again(0), 3, Retries(), 0.0) == 4
    assert wait_seconds(again(), 20, Retries(), 0.0) == 60


def test_without_a_wish_of_the_server_the_wait_is_that_of_the_limits() -> None:
    assert wait_seconds(again(), 1, Retries(first_wait=0.0), 0.0) == 0
    assert wait_seconds(EkycSettingsError("made up"), 2, Retries(), 0.0) == 2


def test_nobody_waits_longer_than_there_is_time() -> None:
    call, begun = Call(again(3600)), time.monotonic()
    with pytest.raises(EkycApiError):
        retrying(Retries(), LOG)(call)
    assert call.tries == 1
    assert time.monotonic() - begun < 30
