"""Which task a record belongs to: loops, mapped tasks, test runs."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_EITHER, IN_VARIABLES, Job

pytestmark = pytest.mark.usefixtures("connections")


@IN_EITHER
def test_each_iteration_of_a_loop_is_a_submission_and_its_clear_pays_nothing(
    kind: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    jobs = [Job(kind, numbers_file, tmp_path / "journal") for _ in range(2)]
    for index, job in enumerate(jobs):
        job.iteration, job.region = index, (str(uuid4()), index)
    ids = [job.submit() for job in jobs]
    assert len(set(ids)) == 2
    for index, job in enumerate(jobs):
        job.clear()
        job.region = (str(uuid4()), index)
    assert [job.submit() for job in jobs] == ids
    assert len(sandbox.bill.submissions) == 2


@IN_VARIABLES
def test_a_task_outside_a_loop_is_the_same_with_and_without_airflows_region(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    job.region = ("00000000-0000-0000-0000-000000000000", -1)
    assert job.submit() == first


@IN_VARIABLES
def test_a_mapped_task_has_a_region_of_its_own_which_is_no_loop(job: Job, sandbox: Sandbox) -> None:
    """As seen on a real deployment of 3.4.0b2: region_index is the map index there."""
    job.map_index, job.region = 0, (str(uuid4()), 0)
    first = job.submit()
    job.clear()
    job.map_index, job.region = 1, (str(uuid4()), 1)
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


def test_a_test_run_says_that_each_call_pays(
    numbers_file: Path, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    ti = TaskInstance()
    ti.run_id = "__airflow_temporary_run_2026-11-25T00:00:00+00:00__"
    with caplog.at_level("INFO"):
        ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute({"ti": ti})
    said = caplog.text.index("each call submits again and is charged again")
    assert said < caplog.text.index("was accepted")
    ((key, record),) = variables.receipts().items()
    assert json.loads(record)["ekyc_task_id"] == ekyc_task_id
    assert key.removesuffix("_receipt") in caplog.text
    assert ti.run_id in (variables.descriptions[key] or "")
