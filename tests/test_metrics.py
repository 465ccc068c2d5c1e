"""What a StatsD server receives from operators, sensor and trigger, through Airflow's own client: ``metrics.py``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.observability.metrics import stats_utils as core_utils
from airflow.observability.stats import Stats as CoreStats
from airflow.sdk.observability.metrics import stats_utils
from airflow.sdk.observability.stats import Stats

from airflow_provider_ekyc import metrics
from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.statsd_receiver import Metric, StatsdReceiver
from dev.testing.waiting import wait_until
from tests.conftest import BUCKET
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls")


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdReceiver]:
    """Airflow's metrics go to a socket of ours, from a task and from the triggerer."""
    with StatsdReceiver() as receiver:
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(receiver.port))
        set_up()
        yield receiver
        monkeypatch.undo()
        set_up()


def set_up() -> None:
    """Do what the task runner and the triggerer do when they start."""
    metrics.metrics_are_on.cache_clear()
    metrics._tags_are_sent.cache_clear()
    Stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
    CoreStats.initialize(factory=core_utils.get_stats_factory(), export_legacy_names=True)


def sums(receiver: StatsdReceiver, least: int) -> dict[str, float]:
    """Wait for so many different metrics; return name -> sum, without the prefix that all have."""
    wait_until(lambda: len(receiver.sums("airflow.ekyc.")) >= least)
    return {name.removeprefix("airflow.ekyc."): value for name, value in receiver.sums("airflow.ekyc.").items()}


def submit(numbers_file: Path, context: Any, **arguments: Any) -> str:
    return EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), **arguments).execute(context)


def test_a_submission_is_counted_once(
    statsd: StatsdReceiver, sandbox: Sandbox, connect: Callable[..., None], numbers_file: Path, context: dict[str, Any]
) -> None:
    connect(sandbox, prices={"amazon": 0.001})
    submit(numbers_file, context)
    expected = {"charged_calls.amazon": 1, "cost.amazon": 0.2, "rows.amazon": 200, "submissions.amazon": 1}
    assert sums(statsd, 4) == expected
    submit(numbers_file, context)  # finds its receipt
    metrics.count_query(EkycApiError("made up"), "marker")
    assert sums(statsd, 6) == {**expected, "queries.marker": 1, "query_failures.marker": 1}


def test_without_a_price_there_is_no_cost(statsd: StatsdReceiver, numbers_file: Path, context: dict[str, Any]) -> None:
    submit(numbers_file, context)
    metrics.count_query(EkycApiError("made up"), "marker")
    assert "cost.amazon" not in sums(statsd, 5)


def test_an_unknown_outcome_may_be_charged_and_is_no_submission(
    statsd: StatsdReceiver, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "status_after", status=502)
    with pytest.raises(EkycFailException):
        submit(numbers_file, context)
    expected = {"charged_calls.amazon": 1, "unknown_outcomes.amazon": 1}
    assert sums(statsd, 2) == expected
    with pytest.raises(EkycFailException):  # of which the next try sends nothing
        submit(numbers_file, context)
    metrics.count_query(EkycApiError("made up"), "marker")
    assert sums(statsd, 4) == {**expected, "queries.marker": 1, "query_failures.marker": 1}


def test_a_submission_whose_worker_was_killed_is_counted_by_the_next_try(
    statsd: StatsdReceiver, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any], tmp_path: Path
) -> None:
    sandbox.fault("submit", "cut_after")
    with pytest.raises(EkycFailException):
        submit(numbers_file, context, journal_uri=str(tmp_path / "journal"))
    expected = {"charged_calls.amazon": 1, "unknown_outcomes.amazon": 1}
    assert sums(statsd, 2) == expected
    for record in (tmp_path / "journal").rglob("*.json"):
        record.write_text(record.read_text().replace('"unknown"', '"sending"'))  # what a killed worker leaves
    for _ in range(2):
        with pytest.raises(EkycFailException):
            submit(numbers_file, context, journal_uri=str(tmp_path / "journal"))
    metrics.count_query(EkycApiError("made up"), "marker")
    assert sums(statsd, 6) == {
        "charged_calls.amazon": 2,
        "unknown_outcomes.amazon": 2,
        "queries.marker": 1,
        "query_failures.marker": 1,
    }


def test_a_refused_submission_is_not_counted(
    statsd: StatsdReceiver, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "status", status=400)
    with pytest.raises(EkycFailException):
        submit(numbers_file, context)
    metrics.count_query(EkycApiError("made up"), "marker")
    assert sums(statsd, 2) == {"queries.marker": 1, "query_failures.marker": 1}


@pytest.mark.parametrize("in_triggerer", [False, True])
def test_queries_and_the_wait_are_counted(
    statsd: StatsdReceiver, sandbox: Sandbox, context: dict[str, Any], in_triggerer: bool
) -> None:
    sandbox.change(pace=400.0)
    sandbox.fault("status", "status", status=503)
    ekyc_task_id = submitted(sandbox)
    started = time.time()
    if in_triggerer:
        asyncio.run(wait_in_triggerer(ekyc_task_id))
    else:
        EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, deferrable=False, poke_interval=1).execute(context)
    took = time.time() - started
    kind = "amazon" if in_triggerer else "unknown"  # nothing upstream of this sensor has submitted it
    found = sums(statsd, 4)
    assert set(found) == {f"{name}.{kind}" for name in ("charged_calls", "queries", "query_failures", "wait_seconds")}
    assert found[f"queries.{kind}"] == sandbox.calls["status"]
    assert found[f"query_failures.{kind}"] == 1
    assert found[f"charged_calls.{kind}"] == sandbox.calls["status"] - 1 == sandbox.bill.polls
    (waited,) = (metric for metric in statsd.metrics("airflow.ekyc.wait_seconds"))
    assert waited.kind == "ms"
    assert 0.5 * took < waited.value / 1000 <= took


async def wait_in_triggerer(ekyc_task_id: str) -> None:
    now = time.time()
    trigger = EkycTaskTrigger(
        ekyc_task_id=ekyc_task_id,
        ekyc_conn_id="ekyc_default",
        started=now,
        timeout_at=now + 60,
        ceiling=0.2,
        task_type="amazon",
    )
    async for event in trigger.run():
        assert event.payload["end"] == "exported"


@pytest.mark.usefixtures("s3")
def test_a_landing_counts_its_query_and_its_bytes_once(
    statsd: StatsdReceiver, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    land = EkycResultsToS3Operator(task_id="land", ekyc_task_id=submitted(sandbox), s3_bucket=BUCKET, s3_key="a.zip")
    land.execute(context)
    size = context["ti"].xcoms["result"]["size"]
    expected = {"bytes_landed.amazon": size, "charged_calls.amazon": 1, "queries.amazon": 1}
    assert sums(statsd, 3) == expected
    land.execute(context)  # finds the object
    metrics.count_query(EkycApiError("made up"), "marker")
    assert sums(statsd, 5) == {**expected, "queries.marker": 1, "query_failures.marker": 1}


def test_where_tags_are_sent_the_task_type_is_one(statsd: StatsdReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
    set_up()
    metrics.count_query(EkycApiError("made up"), "a.b")
    wait_until(lambda: len(statsd.lines) >= 2)
    assert statsd.metrics()[0] == Metric("airflow.ekyc.queries", 1.0, "c", (("task_type", "a.b"),))


def test_where_none_are_sent_a_dot_of_the_task_type_is_no_level_of_the_name(statsd: StatsdReceiver) -> None:
    metrics.count_query(EkycApiError("made up"), "a.b")
    assert "queries.a__b" in sums(statsd, 2)


@pytest.mark.asyncio
async def test_a_client_that_is_slow_to_set_up_does_not_stop_the_event_loop(statsd: StatsdReceiver) -> None:
    made = threading.Event()

    def slow() -> Any:
        made.wait(60)
        return core_utils.get_stats_factory()()

    CoreStats.initialize(factory=slow, export_legacy_names=True)
    metrics.count_query(EkycApiError("made up"), "amazon", in_triggerer=True)
    await asyncio.sleep(0)  # the loop goes on while the client is not there
    assert not statsd.lines
    made.set()
    assert await asyncio.to_thread(sums, statsd, 2) == {"queries.amazon": 1, "query_failures.amazon": 1}


def test_a_client_that_fails_is_a_warning(
    statsd: StatsdReceiver,
    sandbox: Sandbox,
    numbers_file: Path,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> Any:
        raise RuntimeError("made up")

    Stats.initialize(factory=broken, export_legacy_names=True)
    assert submit(numbers_file, context) == sandbox.tasks[0].task_id
    assert "The metric ekyc.submissions was not sent (RuntimeError)." in caplog.messages


OFF = """
import sys
from airflow_provider_ekyc import metrics
from airflow_provider_ekyc.airflow_sdk import TaskDeferred
from airflow_provider_ekyc.exceptions import EkycApiError
before = set(sys.modules)
metrics.count_query(EkycApiError("made up"), "amazon", waited=1.0)
metrics.count_query(EkycApiError("made up"), "amazon", waited=1.0, in_triggerer=True)
print(sorted(name for name in set(sys.modules) - before if "observability" in name or "statsd" in name))
"""


def test_nothing_is_loaded_while_metrics_are_off() -> None:
    done = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_configuration_that_is_no_boolean_is_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "perhaps")
    metrics.metrics_are_on.cache_clear()
    assert not metrics.metrics_are_on()
    assert "[metrics] statsd_on can't be read (AirflowConfigException)." in caplog.messages
    metrics.metrics_are_on.cache_clear()


def test_what_the_triggerer_can_not_send_any_more_is_a_warning(
    statsd: StatsdReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    metrics._later().shutdown()  # as at the end of the process
    try:
        metrics.count_query(EkycApiError("made up"), "amazon", in_triggerer=True)
    finally:
        metrics._later.cache_clear()
    assert caplog.messages == [
        "The metric ekyc.queries was not sent (RuntimeError).",
        "The metric ekyc.query_failures was not sent (RuntimeError).",
    ]
    assert not statsd.lines


def test_an_airflow_without_metrics_is_a_warning(
    statsd: StatsdReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics, "_IN_A_TASK", ("airflow.no_such_stats", "no_such_package.stats"))
    metrics.count_query(EkycApiError("made up"), "amazon")
    assert caplog.messages == [
        "The metric ekyc.queries was not sent (ImportError).",
        "The metric ekyc.query_failures was not sent (ImportError).",
    ]
    assert not statsd.lines


def test_a_module_of_metrics_that_needs_what_is_not_installed_is_a_warning_and_no_other_is_used_instead(
    statsd: StatsdReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "made_up_stats.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(metrics, "_IN_A_TASK", ("made_up_stats", *metrics._IN_A_TASK))
    metrics.count_query(EkycApiError("made up"), "amazon")
    assert caplog.messages == [
        "The metric ekyc.queries was not sent (ModuleNotFoundError).",
        "The metric ekyc.query_failures was not sent (ModuleNotFoundError).",
    ]
    assert not statsd.lines
