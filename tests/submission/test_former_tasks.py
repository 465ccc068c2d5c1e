"""A submit task whose id was changed, in a run that goes on or is cleared (``submission/former_tasks.py``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.run_task_instance import RunTaskInstance
from dev.testing.variables import Variables
from tests.submission.in_memory import logged
from tests.submission.submit_job import IN_VARIABLES, Job, lists

pytestmark = pytest.mark.usefixtures("connections")

BEFORE, AFTER = "submit", "verify.submit"


class Run:
    """
    One run whose DAG changes: tasks of now and of before have task instances in it.

    :param job: whose list and records are used
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.instances: list[tuple[str, int]] = []
        self.run_id = "a_run"

    def submit(self, task_id: str, others: Iterable[str] = (), **arguments: Any) -> str:
        """Run a submit task of a DAG that has it and others."""
        if (task_id, -1) not in self.instances:
            self.instances.append((task_id, -1))
        with DAG("a_dag", schedule=None):
            for other in others:
                EkycSubmitOperator(task_id=other, numbers="not run")
            operator = EkycSubmitOperator(
                task_id=task_id, numbers=str(self.job.numbers), **{**self.job.arguments(), **arguments}
            )
        self.ti = RunTaskInstance(self.instances, task_id=task_id, run_id=self.run_id)
        context: Any = {"ti": self.ti, "outlet_events": {}}
        return operator.execute(context)

    def loses_the_answer(self, sandbox: Sandbox, task_id: str) -> None:
        """Run it; the submission is accepted, and its answer is lost."""
        sandbox.fault("submit", "cut_after")
        with pytest.raises(AirflowFailException):
            self.submit(task_id)


@pytest.fixture
def run(job: Job) -> Run:
    return Run(job)


def test_the_new_task_returns_what_was_paid_for_under_the_old_id(
    run: Run, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    paid = run.submit(BEFORE)
    # The receipt is written before the balance is queried again.
    submission = {**run.ti.xcoms["submission"], "balance_after": None}
    assert run.submit(AFTER) == paid
    assert len(sandbox.bill.submissions) == 1
    assert run.ti.xcoms["submission"] == submission
    assert f"already submitted by task '{BEFORE}' of this run, which the DAG no longer has, as" in logged(caplog)


@IN_VARIABLES
def test_a_second_change_of_the_id_finds_it_too(run: Run, sandbox: Sandbox) -> None:
    paid = run.submit(BEFORE)
    assert [run.submit(task_id) for task_id in (AFTER, "a_third", AFTER)] == [paid] * 3
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_a_task_that_the_dag_still_has_is_another_submission(run: Run, sandbox: Sandbox) -> None:
    assert run.submit(BEFORE) != run.submit(AFTER, others=[BEFORE])
    assert len(sandbox.bill.submissions) == 2


@IN_VARIABLES
def test_another_list_is_submitted(run: Run, sandbox: Sandbox, tmp_path: Any) -> None:
    run.submit(BEFORE)
    run.job.numbers = lists(tmp_path, "b")["b"]
    run.submit(AFTER)
    assert len(sandbox.bill.submissions) == 2


@IN_VARIABLES
def test_a_list_that_was_refused_under_the_old_id_is_submitted(run: Run, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "status", status=400)
    with pytest.raises(AirflowFailException):
        run.submit(BEFORE)
    run.submit(AFTER)
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_a_change_of_the_id_that_is_undone_pays_once(run: Run, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "status", status=400)
    with pytest.raises(AirflowFailException):
        run.submit(BEFORE)
    paid = run.submit(AFTER)
    assert run.submit(BEFORE) == paid
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_words_that_had_it_sent_under_the_new_id_do_not_send_it_under_the_old_one_too(
    run: Run, sandbox: Sandbox, variables: Variables
) -> None:
    run.loses_the_answer(sandbox, BEFORE)
    (key,) = variables.records()
    variables.values[key] = "send again"
    paid = run.submit(AFTER)
    assert run.submit(BEFORE) == paid
    assert len(sandbox.bill.submissions) == 2


@IN_VARIABLES
def test_a_receipt_counts_before_another_old_tasks_unknown_outcome(run: Run, sandbox: Sandbox) -> None:
    run.loses_the_answer(sandbox, "a_first")
    paid = run.submit(BEFORE, others=["a_first"])
    assert run.submit(AFTER) == paid


def test_an_unknown_outcome_under_the_old_id_stops_the_new_task_until_it_is_settled(
    run: Run, sandbox: Sandbox, variables: Variables
) -> None:
    run.loses_the_answer(sandbox, BEFORE)
    with pytest.raises(AirflowFailException) as failed:
        run.submit(AFTER)
    assert len(sandbox.bill.submissions) == 1
    message = " ".join(str(failed.value).split())
    assert f"Until its task id was changed, task '{BEFORE}' of this run, which the DAG no longer has" in message
    assert "Nothing was sent now" in message
    assert "150 numbers" not in message
    if run.job.kind == "variables":
        (key,) = variables.records()
        assert key in message
        variables.values[key] = "a-made-up-remote-id"
        assert run.submit(AFTER) == "a-made-up-remote-id"
        variables.values[key] = "send again"
        assert run.submit(AFTER) == sandbox.tasks[-1].task_id
        assert len(sandbox.bill.submissions) == 2


@IN_VARIABLES
def test_with_resubmit_an_unknown_outcome_under_the_old_id_is_sent_again(
    run: Run, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    run.loses_the_answer(sandbox, BEFORE)
    run.submit(AFTER, on_unknown_outcome="resubmit")
    assert len(sandbox.bill.submissions) == 2
    assert "The outcome is unknown of an earlier submission of this list: task 'submit'" in logged(caplog)
    assert "may be charged twice" in logged(caplog)


@IN_VARIABLES
def test_what_the_old_task_may_be_sending_is_waited_for(run: Run, sandbox: Sandbox, variables: Variables) -> None:
    class KilledError(BaseException):
        pass

    def kill(moment: str, key: str) -> None:
        if moment == "after" and "_open_" in key:
            raise KilledError

    variables.watch = kill
    with pytest.raises(KilledError):
        run.submit(BEFORE)
    variables.watch = lambda moment, key: None
    with pytest.raises(EkycRetryException) as failed:
        run.submit(AFTER, on_unknown_outcome="resubmit")
    assert "If that task still runs, a retry finds its remote task" in " ".join(str(failed.value).split())
    assert len(sandbox.bill.submissions) == 0


@IN_VARIABLES
def test_a_record_of_its_own_that_is_lost_is_not_replaced_by_one_of_the_old_id(
    run: Run, sandbox: Sandbox, variables: Variables
) -> None:
    run.submit(BEFORE)
    kept = dict(variables.values)
    variables.values.clear()
    run.submit(AFTER)
    for key in [key for key in variables.values if "_instance_" not in key and not key.endswith("_check")]:
        del variables.values[key]
    variables.values.update(kept)
    with pytest.raises(AirflowFailException, match="record can't be found"):
        run.submit(AFTER)


@IN_VARIABLES
def test_airflow_is_not_asked_where_a_record_is_found(run: Run, sandbox: Sandbox) -> None:
    run.submit(BEFORE)
    assert run.ti.calls == 4
    run.submit(BEFORE)
    assert run.ti.calls == 0


@IN_VARIABLES
def test_airflow_is_not_asked_in_a_test_run_which_is_a_run_of_its_own(run: Run, sandbox: Sandbox) -> None:
    run.run_id = "__airflow_temporary_run_2026-01-02T03:04:05__"
    run.submit(BEFORE)
    assert run.ti.calls == 0


@IN_VARIABLES
def test_while_airflow_does_not_answer_nothing_is_sent(run: Run, sandbox: Sandbox) -> None:
    class AwayInstances(list[Any]):
        def __iter__(self) -> Any:
            raise ConnectionError("away")

    run.instances = AwayInstances([(AFTER, -1)])
    with pytest.raises(EkycRetryException) as failed:
        run.submit(AFTER)
    message = " ".join(str(failed.value).split())
    assert "Airflow can't list the tasks of this run (ConnectionError)" in message
    assert "Nothing was sent. A retry lists them again" in message
    assert len(sandbox.bill.submissions) == 0
