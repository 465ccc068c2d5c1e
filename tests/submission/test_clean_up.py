"""Deleting the records of old submissions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.clean_up import delete_old_records
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_EITHER, Job

pytestmark = pytest.mark.usefixtures("connections")


def test_old_receipts_go_and_young_ones_stay(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    first = job.submit()
    variables.values["somebody_elses"] = "kept"
    assert delete_old_records(timedelta(days=90)) == 0
    assert job.submit() == first
    later = datetime.now(UTC) + timedelta(days=91)
    assert delete_old_records(timedelta(days=90), now=later) == 4, "three of the submission, and the instance"
    assert variables.records() == {"somebody_elses": "kept"}


def test_what_is_unknown_or_written_by_hand_stays(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    job.submit_without_answer(sandbox)
    later = datetime.now(UTC) + timedelta(days=91)
    assert delete_old_records(timedelta(days=90), now=later) == 0
    (key,) = variables.records()
    variables.values[key] = "made-up-remote-id"
    assert delete_old_records(timedelta(days=90), now=later) == 0
    assert job.submit() == "made-up-remote-id"


@IN_EITHER
def test_what_is_unknown_still_stops_another_list_of_its_task(
    kind: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job(kind, numbers_file, tmp_path)
    job.submit_without_answer(sandbox)
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 0
    numbers_file.write_text(numbers_file.read_text() + "+9991234567890\n")
    job.clear()
    with pytest.raises(AirflowFailException, match="This list may contain the same numbers"):
        job.submit()
    assert sandbox.calls["submit"] == 1


def test_a_second_send_whose_outcome_is_unknown_stays(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    job.submit()
    (receipt,) = variables.receipts()
    variables.values[receipt] = "send again"
    job.clear()
    job.submit_without_answer(sandbox)
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 0
    job.clear()
    with pytest.raises(AirflowFailException, match="This list may have been charged"):
        job.submit()
    assert sandbox.calls["submit"] == 2


def test_what_a_later_version_wrote_stays(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    Job("variables", numbers_file, tmp_path).submit()
    variables.values = {key: value.replace('"schema": 2', '"schema": 3') for key, value in variables.values.items()}
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 0


def test_airflow_that_cannot_list_variables_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", object())
    with pytest.raises(EkycSettingsError, match="airflow variables list"):
        delete_old_records(timedelta(days=90))


@pytest.mark.parametrize("time", [None, "yesterday", 5, ""])
def test_a_record_without_a_readable_time_stays(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables, time: object
) -> None:
    Job("variables", numbers_file, tmp_path).submit()
    names = ("started_at", "submitted_at", "written_at", "updated_at")
    for key, value in variables.values.items():
        record = json.loads(value) if value.startswith("{") else None
        if record is not None:
            variables.values[key] = json.dumps({name: time if name in names else each for name, each in record.items()})
    before = dict(variables.values)
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 0
    assert variables.values == before


def test_a_time_without_a_zone_is_one_in_utc(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    Job("variables", numbers_file, tmp_path).submit()
    variables.values = {key: value.replace("+00:00", "") for key, value in variables.values.items()}
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=89)) == 0
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 4


def test_a_task_of_which_one_list_is_old_and_another_is_not_goes_on(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job, text = Job("variables", numbers_file, tmp_path), numbers_file.read_text()
    first = job.submit()
    old = (datetime.now(UTC) - timedelta(days=100)).isoformat()
    for key, value in variables.values.items():
        if "_instance_" not in key:
            variables.values[key] = re.sub(r'(?<=ted_at": )"[^"]*"', f'"{old}"', value)
    for numbers in (1, 2):
        numbers_file.write_text(f"{text}+999123456789{numbers}\n")
        job.clear()
        job.submit()
        assert delete_old_records(timedelta(days=90)) == 0
    numbers_file.write_text(text)
    job.clear()
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 3
    assert delete_old_records(timedelta(days=90), now=datetime.now(UTC) + timedelta(days=91)) == 10
