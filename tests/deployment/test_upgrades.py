"""
What triggers, events and versions of the package exchange while a deployment is upgraded.

``frozen_waits.json`` has the trigger arguments and the events of earlier revisions, as their code wrote them: never to
be written anew. ``python -m dev.deployment.upgrades`` runs whole revisions side by side; their records are in
``tests/submission/test_record_format.py``.
"""

from __future__ import annotations

import inspect
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_sdk import AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.deployment.upgrades import NO_DOWNGRADE, REVISIONS, ROOT, WITHOUT_TASK_TYPE, Version, main
from dev.testing.task_context import context_of
from tests.conftest import API_KEY

FROZEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("frozen_waits.json").read_text())
PAGE = (ROOT / "docs" / "upgrading.md").read_text()
ENDS = {
    "failed": AirflowFailException,
    "timeout": AirflowSensorTimeout,
    "execution_timeout": AirflowTaskTimeout,
    "error": AirflowFailException,
}


@pytest.mark.parametrize("revision", FROZEN)
def test_a_trigger_that_an_earlier_revision_has_stored_is_made_again(revision: str) -> None:
    path, arguments = FROZEN[revision]["classpath"], FROZEN[revision]["arguments"]
    kept = {name: value for name, value in arguments.items() if name != "floor"}
    made = EkycTaskTrigger(**arguments).serialize()
    assert made[0] == path
    assert kept.items() <= made[1].items()


@pytest.mark.parametrize("revision", FROZEN)
def test_a_trigger_of_this_version_has_no_argument_that_an_earlier_one_does_not_know(revision: str) -> None:
    now = {"ekyc_task_id": "d1", "ekyc_conn_id": "ekyc_default", "started": 1.0, "timeout_at": 2.0}
    _, arguments = EkycTaskTrigger(**now).serialize()
    assert arguments.keys() <= FROZEN[revision]["arguments"].keys()
    # Where metrics are on there is one more, so then triggerers are upgraded first: docs/upgrading.md.
    _, with_metrics = EkycTaskTrigger(**now, task_type="amazon").serialize()
    assert with_metrics.keys() - arguments.keys() == {"task_type"}


def test_no_argument_of_the_trigger_was_removed() -> None:
    parameters = inspect.signature(EkycTaskTrigger).parameters
    assert {name for shape in FROZEN.values() for name in shape["arguments"]} <= parameters.keys()


@pytest.mark.parametrize("revision", FROZEN)
def test_a_wait_that_an_earlier_triggerer_has_ended_is_resumed(revision: str) -> None:
    event = FROZEN[revision]["events"]["exported"]
    summary = EkycTaskSensor(task_id="wait", ekyc_task_id="d1").execute_complete(context_of(), event)
    assert (summary["status"], summary["total"]) == ("exported", 150)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("revision", FROZEN)
def test_a_wait_that_ended_otherwise_in_an_earlier_triggerer_fails_as_it_should(revision: str, end: str) -> None:
    event = FROZEN[revision]["events"][end]
    with pytest.raises(ENDS[end]) as failed:
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1").execute_complete(context_of(), event)
    assert event["message"] in str(failed.value)


@pytest.mark.usefixtures("connections")
def test_two_processes_share_records_and_one_bill(sandbox: Sandbox, numbers_file: Path, tmp_path: Path) -> None:
    order = {"numbers": str(numbers_file), "run_id": "a run", "journal_uri": None}
    with Version("one", ROOT, tmp_path / "variables") as one:
        first = one.do("submit", **order, try_number=1)
        assert one.do("submit", **order, try_number=2) == first
        assert one.do("submit", **{**order, "numbers": "/nowhere"}, try_number=3)["raised"]
    assert len(sandbox.bill.submissions) == 1
    assert API_KEY not in str(first)


def test_the_page_names_the_revisions_and_what_is_known_of_them() -> None:
    for revision, words in REVISIONS.items():
        upgrade, downgrade, metrics = (
            "yes",
            "**no**" if revision in NO_DOWNGRADE else "yes",
            "triggerers first" if revision in WITHOUT_TASK_TYPE else "yes",
        )
        assert f"| `{revision}`: {words} | {upgrade} | {downgrade} | {metrics} |" in PAGE


def test_a_revision_that_git_does_not_know_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="no-such-revision"):
        main(["no-such-revision"])
