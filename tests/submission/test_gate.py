"""May this list be sent: unknown outcomes, bounds, and what is warned of before it is charged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.gate import MOST_SENDS
from dev.testing.variables import Variables
from tests.submission.submit_job import ANYWHERE, IN_EITHER, IN_VARIABLES, Job, clear, expanded, interrupted, lists

pytestmark = pytest.mark.usefixtures("connections")


@ANYWHERE
@pytest.mark.parametrize("change", ["order", "one more", "another list"])
def test_after_an_unknown_outcome_another_list_is_not_sent(job: Job, change: str, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    lines = job.numbers.read_text().splitlines(keepends=True)
    changed = {"order": lines[::-1], "one more": [*lines, "+9991234567890\n"]}
    job.numbers.write_text("".join(changed.get(change, [f"+9996{n:09d}\n" for n in range(150)])))
    job.clear()
    with pytest.raises(AirflowFailException, match=r"outcome is unknown|has no receipt") as failed:
        job.submit()
    assert "write its id into" in str(failed.value)
    assert sandbox.calls["submit"] == 1


@IN_VARIABLES
def test_once_the_unknown_outcome_is_settled_the_other_list_is_sent(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    job.submit_without_answer(sandbox)
    (key,) = variables.records()
    variables.set(key, sandbox.tasks[0].task_id)
    job.numbers.write_text(job.numbers.read_text() + "+9991234567890\n")
    job.submit()
    assert sandbox.calls["submit"] == 2


@IN_EITHER
def test_a_new_list_waits_for_the_unknown_outcome_of_another_map_index(
    kind: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abcd"), {}
    expanded(jobs, kind, [files["a"]], tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        expanded(jobs, kind, [files["a"], files["b"]], tmp_path / "journal")
    # The list shifts, and what was sent without an answer is no longer in it under its own name.
    clear(jobs)
    with pytest.raises(AirflowFailException, match=r"map index 1.*may be the same numbers"):
        expanded(jobs, kind, [files["c"]], tmp_path / "journal")
    assert sandbox.calls["submit"] == 2


@IN_EITHER
@pytest.mark.parametrize("is_running", [False, True], ids=["finished run", "running run"])
def test_a_map_index_that_is_new_waits_for_the_unknown_outcome_of_another(
    kind: str, is_running: bool, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "ab"), {}
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        expanded(jobs, kind, [files["b"]], tmp_path / "journal")
    files["b"].write_text(files["b"].read_text() + "+9991234567890\n")
    with pytest.raises(AirflowFailException):
        expanded(jobs, kind, [files["a"]], tmp_path / "journal")
    fresh = Job(kind, files["b"], tmp_path / "journal")
    fresh.map_index = 1
    fresh.clear()
    if is_running:
        # A clear leaves the start of such a run as it is.
        fresh.run_started = jobs[0].run_started
    with pytest.raises(AirflowFailException, match=r"map index 0.*may be the same numbers"):
        fresh.submit()
    assert sandbox.calls["submit"] == 1


@IN_EITHER
def test_an_unknown_outcome_does_not_stop_the_other_lists_of_the_same_expansion(
    kind: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abc"), {}
    for name in "abc":
        jobs[len(jobs)] = Job(kind, files[name], tmp_path / "journal")
        jobs[len(jobs) - 1].map_index = len(jobs) - 1
    jobs[0].submit_without_answer(sandbox)
    for index in (1, 2):
        jobs[index].submit()
        jobs[index].submit()
    assert len(sandbox.bill.submissions) == 3


@ANYWHERE
def test_an_account_that_is_added_later_is_warned_of_before_it_pays(
    job: Job, sandbox: Sandbox, connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    job.submit()
    connect(sandbox, account="another account")
    job.submit()
    assert "submitted this list to" in caplog.text
    logged = " ".join(" ".join(caplog.messages).split())
    assert "(account another account), so it is submitted there, and charged" in logged


@IN_VARIABLES
def test_a_later_try_without_any_record_warns_before_it_sends(
    job: Job, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    job.submit()
    assert "no earlier try has left a record" not in caplog.text
    variables.values.clear()
    job.submit()
    assert "This is try 2, and no earlier try has left a record" in caplog.text


def test_a_try_that_failed_before_it_submitted_is_no_reason_to_warn(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job("variables", tmp_path / "not yet there.txt", tmp_path)
    with pytest.raises(AirflowFailException):
        job.submit()
    job.numbers = numbers_file
    job.submit()
    assert "no earlier try has left a record" not in caplog.text


@IN_VARIABLES
@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("resubmit", [False, True])
def test_what_is_sent_again_by_itself_has_a_bound_over_all_tries(
    resubmit: bool, job: Job, sandbox: Sandbox, numbers_file: Path
) -> None:
    arguments = {"on_unknown_outcome": "resubmit"} if resubmit else {}
    if resubmit:
        sandbox.fault("submit", "cut_after", times=None)
    else:
        sandbox.fault("submit", "status", status=500, times=None)
    said = []
    for _ in range(8):
        with pytest.raises((AirflowFailException, EkycRetryException)) as failed:
            job.submit(**arguments)
        said.append(str(failed.value))
    assert sandbox.calls["submit"] == MOST_SENDS == 5
    assert f"sent {MOST_SENDS} times over the tries of this task" in said[-1]
    assert isinstance(failed.value, AirflowFailException)
    sandbox.clear_faults()
    job.clear()
    job.submit(**arguments)
    assert sandbox.calls["submit"] == MOST_SENDS + 1


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status_after", "html", "without_task_id"])
def test_an_unknown_outcome_is_recorded_and_stays_unknown(job: Job, sandbox: Sandbox, kind: str) -> None:
    sandbox.fault("submit", kind)
    for said in ("may or may not have been accepted", "has no receipt"):
        with pytest.raises(AirflowFailException, match=said) as failed:
            job.submit()
    assert sandbox.calls["submit"] == 1
    assert "try 1" in str(failed.value)
    assert "balance then 1,000,000.00" in str(failed.value)


def test_resubmit_sends_it_again_with_the_next_try(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    with pytest.raises(EkycRetryException, match="next try sends this list again"):
        job.submit(on_unknown_outcome="resubmit")
    ekyc_task_id = job.submit(on_unknown_outcome="resubmit")
    assert job.submit(on_unknown_outcome="resubmit") == ekyc_task_id
    assert sandbox.calls["submit"] == 2


def test_a_free_refusal_of_a_second_submission_does_not_make_the_unknown_one_known(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match="402"):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match=r"has no receipt \(try 1"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_EITHER
def test_a_new_list_waits_for_a_map_index_that_was_killed_while_it_sent_and_is_never_tried_again(
    kind: str, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, jobs = lists(tmp_path, "abc"), {}
    expanded(jobs, kind, [files["a"]], tmp_path / "journal")
    with monkeypatch.context() as patched:
        interrupted(patched, MemoryError("made up"))
        with pytest.raises(MemoryError):
            expanded(jobs, kind, [files["a"], files["b"]], tmp_path / "journal")
    clear(jobs)
    with pytest.raises(AirflowFailException, match=r"Settle .* first.*map index 1.*may be the same numbers"):
        expanded(jobs, kind, [files["c"]], tmp_path / "journal")
    assert sandbox.calls["submit"] == 2
