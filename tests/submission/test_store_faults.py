"""A submission whose records can't be read or written: in Airflow's Variables, in a directory or in S3."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.variable_store import CHECK
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_FILES, IN_VARIABLES, Job

pytestmark = pytest.mark.usefixtures("connections")


def test_variables_that_are_away_stop_the_submission_and_may_be_tried_again(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    variables.away = True
    with pytest.raises(EkycRetryException, match="can't be read"):
        job.submit()
    assert sandbox.calls["submit"] == 0
    variables.away = False
    job.submit()


@IN_VARIABLES
def test_variables_that_say_not_found_while_they_cannot_be_read_are_never_nothing_there(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    first = job.submit()
    variables.unseen = True
    with pytest.raises((EkycRetryException, AirflowFailException), match=r"can't be read|can't read them"):
        job.submit()
    variables.unseen = False
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_variables_that_are_listed_and_cannot_be_read_stop_the_submission_for_good(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    """After a change of [core] fernet_key Airflow says "not found" of each Variable, and lists them all."""
    job.submit()
    variables.unseen = True
    with pytest.raises(AirflowFailException, match=r"was \[core\] fernet_key changed"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_the_check_that_another_task_writes_at_the_same_moment_stops_nothing(
    job: Job, sandbox: Sandbox, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first tasks of a deployment start at once: each of them finds no check, and one has written it."""
    listed = variables.keys

    def written_meanwhile(prefix: str | None = None) -> list[str]:
        variables.values[CHECK] = "written by another task"
        return listed(prefix)

    monkeypatch.setattr(variables, "keys", written_meanwhile)
    job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_FILES
def test_a_directory_that_the_next_worker_does_not_share_is_never_nothing_there(
    job: Job, tmp_path: Path, sandbox: Sandbox
) -> None:
    job.submit()
    job.folder = tmp_path / "the other worker's directory"
    with pytest.raises(AirflowFailException, match="that record can't be found now"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_FILES
def test_a_directory_that_cannot_be_used_stops_the_submission(job: Job, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "journal").write_text("a file, not a directory")
    with pytest.raises(EkycRetryException, match="can't be used"):
        job.submit()
    assert sandbox.calls["submit"] == 0


@pytest.fixture(params=["IfNoneMatch IfMatch", "IfNoneMatch", "IfMatch"])
def without_conditions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the S3 client leave out conditions of a write, as some S3-compatible stores ignore them."""
    ignored = request.param.split()
    call = S3Object.call

    def call_without(self: S3Object, operation: str, **arguments: Any) -> dict[str, Any]:
        return call(self, operation, **{name: value for name, value in arguments.items() if name not in ignored})

    monkeypatch.setattr(S3Object, "call", call_without)


def at_once(jobs: list[Job]) -> list[str | Exception]:
    """Submit all of them at once; return remote ids and errors."""

    def attempt(job: Job) -> str | Exception:
        try:
            return job.submit()
        except (AirflowFailException, EkycRetryException) as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(attempt, jobs))


@pytest.fixture
def jobs(numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any) -> list[Job]:
    """Two map indexes with one list; both query the balance before either submits."""
    sandbox.fault("balance", "delay", seconds=1.0, times=None)
    found = [Job("s3", numbers_file, tmp_path) for _ in range(2)]
    for index, job in enumerate(found):
        job.map_index = index
    return found


@pytest.mark.usefixtures("without_conditions")
def test_a_store_that_ignores_conditions_is_refused(jobs: list[Job], sandbox: Sandbox) -> None:
    assert any("ignores If-" in str(end) for end in at_once(jobs))
    assert sandbox.calls["submit"] == 0


def test_two_at_once_over_s3_submit_once(jobs: list[Job], sandbox: Sandbox) -> None:
    assert sorted(type(end).__name__ for end in at_once(jobs)) == ["EkycRetryException", "str"]
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    ("connection", "advice"),
    [
        ({}, "Check the bucket: there is none of this name"),
        ({"password": "a-wrong-made-up-secret"}, "Correct the secret access key"),
        ({"extra": {"region_name": "no such region !"}}, "Correct region_name"),
    ],
)
def test_a_journal_in_s3_that_cannot_be_used_stops_the_submission_and_says_what_to_correct(
    connection: dict[str, Any],
    advice: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    s3: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = {**json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"]), **connection}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    job = Job("s3", numbers_file, tmp_path)
    with pytest.raises(AirflowFailException, match=advice):
        job.submit(journal_uri="s3://there-is-no-such-bucket/journal")
    assert sandbox.calls["submit"] == 0
