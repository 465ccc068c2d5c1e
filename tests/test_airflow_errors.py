"""What an error knows is on the exception with which the task fails, so that a DAG can branch on it."""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc import airflow_errors
from airflow_provider_ekyc.airflow_sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
    TaskDeferred,
)
from airflow_provider_ekyc.exceptions import EkycError, EkycRateLimitError, EkycServerError
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.task_context import context_of
from tests.conftest import BUCKET
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "no_waits", "quick_polls", "known_at_once")

PAGE = (Path(__file__).parents[1] / "docs" / "failures.md").read_text()
FINAL, RETRY = airflow_errors.EkycFailException, airflow_errors.EkycRetryException
NAMES = ("kind", "status", "retryable", "retry_after", "charge")


def known(error: Any) -> tuple[Any, ...]:
    return (type(error), *(getattr(error, name) for name in NAMES))


def failed(run: Callable[[], Any]) -> Any:
    """Return the exception with which a task fails, as it is after the way between processes."""
    with pytest.raises((AirflowException, AirflowTaskTimeout)) as caught:
        run()
    assert known(pickle.loads(pickle.dumps(caught.value))) == known(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 400}, (FINAL, "refused", 400, False, None, "none")),
        ({"kind": "status", "status": 402}, (FINAL, "balance", 402, False, None, "none")),
        ({"kind": "status", "status": 403}, (FINAL, "unknown_outcome", 403, False, None, "possible")),
        ({"kind": "status", "status": 413}, (FINAL, "too_large", 413, False, None, "none")),
        (
            {"kind": "status", "status": 429, "headers": {"Retry-After": "7"}, "times": None},
            (RETRY, "rate_limited", 429, True, 7.0, "none"),
        ),
        ({"kind": "status", "status": 500, "times": None}, (RETRY, "unavailable", 500, True, None, "none")),
        ({"kind": "html", "status": 502}, (FINAL, "unknown_outcome", 502, False, None, "possible")),
        ({"kind": "cut_after"}, (FINAL, "unknown_outcome", None, False, None, "possible")),
    ],
    ids=lambda value: str(value.get("status")) if isinstance(value, dict) else None,
)
def test_a_submission(
    fault: dict[str, Any], expected: tuple[Any, ...], sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", **fault)
    error = failed(lambda: EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(context))
    assert known(error) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"numbers": "missing.txt"}, (FINAL, "input", None, False, None, "none")),
        ({"task_type": "ama zon"}, (FINAL, "settings", None, False, None, "none")),
        ({"ekyc_conn_id": "nowhere"}, (RETRY, "settings", None, True, None, "none")),
        ({"spool_dir": "/made/up"}, (RETRY, "disk", None, True, None, "none")),
    ],
)
def test_before_a_submission(
    arguments: dict[str, Any], expected: tuple[Any, ...], numbers_file: Path, context: dict[str, Any]
) -> None:
    operator = EkycSubmitOperator(task_id="submit", **{"numbers": str(numbers_file), **arguments})
    assert known(failed(lambda: operator.execute(context))) == expected


def test_an_unknown_outcome_that_is_sent_again_by_the_next_try(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "cut_after")
    operator = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), on_unknown_outcome="resubmit")
    assert known(failed(lambda: operator.execute(context))) == (RETRY, "unknown_outcome", None, True, None, "possible")


def wait(mode: str, ekyc_task_id: str, context: dict[str, Any], **arguments: Any) -> Any:
    """Run a sensor on the worker, or in the triggerer."""
    sensor = EkycTaskSensor(
        task_id="wait", ekyc_task_id=ekyc_task_id, deferrable=mode == "deferred", poll_interval=1, **arguments
    )
    try:
        return sensor.execute(context)
    except TaskDeferred as deferral:
        trigger = EkycTaskTrigger(**deferral.trigger.serialize()[1])
        return sensor.execute_complete(context, asyncio.run(only_event(trigger)))


async def only_event(trigger: EkycTaskTrigger) -> Any:
    (payload,) = [event.payload async for event in trigger.run()]
    assert all(value is None or isinstance(value, str | float | int | dict) for value in payload.values())
    return payload


@pytest.fixture(params=["deferred", "poke"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


LIMIT = airflow_errors.EkycSensorTimeout


@pytest.mark.parametrize(
    ("changes", "fault", "arguments", "expected"),
    [
        ({"ending": "failed"}, {}, {}, (FINAL, "remote_task_failed", None, False, None, "possible")),
        ({}, {"status": 401}, {}, (FINAL, "authentication", 401, False, None, "possible")),
        ({}, {"status": 404, "times": None}, {}, (FINAL, "not_found", 404, False, None, "possible")),
        ({"queue_seconds": 60}, {}, {"timeout": 1}, (LIMIT, "timeout", None, False, None, "certain")),
        ({}, {"status": 503, "times": None}, {"timeout": 1}, (LIMIT, "timeout", None, False, None, "possible")),
        (
            {"failure_rows": 50},
            {},
            {"max_failure_rate": 0.1},
            (FINAL, "too_many_failures", None, False, None, "certain"),
        ),
    ],
)
def test_a_wait_fails_with_the_same_in_the_triggerer_and_on_the_worker(
    changes: dict[str, Any],
    fault: dict[str, Any],
    arguments: dict[str, Any],
    expected: tuple[Any, ...],
    mode: str,
    sandbox: Sandbox,
    context: dict[str, Any],
) -> None:
    sandbox.change(**changes)
    ekyc_task_id = submitted(sandbox)
    if fault:
        sandbox.fault("status", "status", **fault)
    assert known(failed(lambda: wait(mode, ekyc_task_id, context, **arguments))) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"end": "error", "message": "m"}, FINAL),
        ({"end": "error", "message": "m", "retryable": True}, RETRY),
        ({"end": "timeout", "message": "m"}, LIMIT),
        ({"end": "execution_timeout", "message": "m"}, airflow_errors.EkycTaskTimeout),
        ({"end": "failed", "message": "m"}, FINAL),
        ({"end": "exported"}, FINAL),
        ({"end": "surprise"}, FINAL),
        ({}, FINAL),
        (None, FINAL),
    ],
)
def test_an_event_of_an_earlier_release_has_no_attributes_and_says_nothing_is_free(
    event: Any, expected: type[BaseException], context: dict[str, Any]
) -> None:
    error = failed(lambda: EkycTaskSensor(task_id="wait", ekyc_task_id="d1").execute_complete(context, event))
    is_retried = expected in (RETRY, airflow_errors.EkycTaskTimeout)
    assert known(error) == (expected, "unexpected", None, is_retried, None, "possible")


def test_a_transfer(sandbox: Sandbox, s3: Any, context: dict[str, Any]) -> None:
    transfer = EkycResultsToS3Operator(task_id="land", ekyc_task_id=submitted(sandbox), s3_bucket=BUCKET, s3_key="key")
    sandbox.fault("result", "status", status=503, headers={"Retry-After": "5"}, times=None)
    assert known(failed(lambda: transfer.execute(context))) == (RETRY, "unavailable", 503, True, 5.0, "possible")
    sandbox.clear_faults()
    sandbox.fault("status", "status", status=401)
    assert known(failed(lambda: transfer.execute(context))) == (FINAL, "authentication", 401, False, None, "possible")
    sandbox.clear_faults()
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"another")
    assert known(failed(lambda: transfer.execute(context))) == (FINAL, "object_exists", None, False, None, "possible")


def subclasses(error: type[EkycError]) -> Iterator[type[EkycError]]:
    yield error
    for one in error.__subclasses__():
        yield from subclasses(one)


def test_the_page_names_every_kind() -> None:
    table = PAGE.partition("## Kinds")[2].partition("## A callback")[0]
    raised = {one.kind for one in subclasses(EkycError)} | {"too_many_failures", "send_limit", "killed", "memory"}
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(raised)


def test_an_error_keeps_what_it_knows_with_another_message_and_between_processes() -> None:
    error = EkycServerError("503", status=503, retryable=True, retry_after=3.0).with_message("another")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.message) == (type(error), "another", "another")
    assert again.details() == error.details()


def test_airflow_handles_them_as_its_own() -> None:
    assert issubclass(FINAL, AirflowFailException)
    assert issubclass(RETRY, AirflowException)
    assert not issubclass(RETRY, AirflowFailException)
    assert issubclass(LIMIT, AirflowSensorTimeout)
    assert issubclass(airflow_errors.EkycTaskTimeout, AirflowTaskTimeout)


def test_the_callback_and_the_policy_of_the_page(context: dict[str, Any]) -> None:
    callback, policy = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    notified: list[tuple[str, str]] = []
    names: dict[str, Any] = {"notify": lambda *notice: notified.append(notice)}
    exec(callback, names)
    exec(policy, names)
    with pytest.raises(RETRY) as caught, airflow_errors.airflow_errors():
        raise EkycRateLimitError("slow down", status=429, retryable=True, retry_after=1200.0)
    for error in (caught.value, FINAL.of("look", {"kind": "unknown_outcome"}), ValueError("not ours"), None):
        names["on_failure"]({**context, "exception": error})
    assert notified == [
        ("data team", "a_task: rate_limited, charged: none"),
        ("on-call", "a_task: unknown_outcome, charged: possible. look"),
        ("data team", "a_task: unexpected, charged: possible"),
        ("data team", "a_task: unexpected, charged: possible"),
    ]
    decide = names["PatientRetryPolicy"]().evaluate
    assert decide(caught.value, 1, 3).retry_delay.total_seconds() == 1200
    assert decide(ValueError("not ours"), 1, 3).retry_delay is None


def test_nothing_of_a_list_is_reachable_from_the_exception(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes(b"id,phone\n" + b"1,+12025550100\n" * 200 + b"2,caf\xe9\n")
    with pytest.raises(FINAL, match="is not UTF-8 text") as raised:
        EkycPrepareNumbersOperator(
            task_id="prepare", numbers=listed, column="phone", destination_uri=tmp_path / "ready"
        ).execute(context_of())
    reached: list[BaseException] = []
    error: BaseException | None = raised.value
    while error is not None:
        reached.append(error)
        error = error.__cause__ or error.__context__
    assert not any("2025550" in repr(each.args) for each in reached)
