"""Records in Airflow Variables: absent is absent only if Variables can be read."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.variable_store import CHECK
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_VARIABLES, Job

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
