"""Paid once where the run changes under the task: clears, mapped lists, loops, other lists, stores, machines."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.conftest import BUCKET
from tests.submission.submit_job import Job

pytestmark = pytest.mark.usefixtures("connections")

ANYWHERE = pytest.mark.parametrize("kind", ["variables", "local"])


def lists(folder: Path, names: str) -> dict[str, Path]:
    """Files of 150 numbers each, no number in two of them."""
    files = {}
    for index, name in enumerate(names):
        files[name] = folder / f"{name}.txt"
        files[name].write_text("".join(f"+9995{index}{number:08d}\n" for number in range(150)))
    return files


def expanded(jobs: dict[int, Job], kind: str, files: list[Path], folder: Path) -> list[str]:
    """Run a mapped submit task over files; an index that ran before has its next try."""
    ids = []
    for index, path in enumerate(files):
        job = jobs.setdefault(index, Job(kind, path, folder))
        job.map_index, job.numbers = index, path
        ids.append(job.submit())
    return ids


def clear(jobs: dict[int, Job]) -> None:
    """Clear all of them, as a clear of the mapped task does."""
    for job in jobs.values():
        job.clear()


@ANYWHERE
def test_a_mapped_list_that_shifts_before_a_clear_pays_for_the_new_file_alone(
    kind: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abcd"), {}
    first = expanded(jobs, kind, [files[name] for name in "bcd"], tmp_path / "journal")
    again = expanded(jobs, kind, [files[name] for name in "abcd"], tmp_path / "journal")
    assert again[1:] == first
    assert len(sandbox.bill.submissions) == 4


@ANYWHERE
@pytest.mark.parametrize("change", ["order", "one more", "another list"])
def test_after_an_unknown_outcome_another_list_is_not_sent(
    kind: str, change: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job(kind, numbers_file, tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        job.submit()
    lines = numbers_file.read_text().splitlines(keepends=True)
    changed = {"order": lines[::-1], "one more": [*lines, "+9991234567890\n"]}
    numbers_file.write_text("".join(changed.get(change, [f"+9996{n:09d}\n" for n in range(150)])))
    job.clear()
    with pytest.raises(AirflowFailException, match=r"outcome is unknown|has no receipt") as failed:
        job.submit()
    assert "write its id into" in str(failed.value)
    assert sandbox.calls["submit"] == 1


def test_once_the_unknown_outcome_is_settled_the_other_list_is_sent(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        job.submit()
    (key,) = variables.records()
    variables.set(key, sandbox.tasks[0].task_id)
    numbers_file.write_text(numbers_file.read_text() + "+9991234567890\n")
    job.submit()
    assert sandbox.calls["submit"] == 2


@ANYWHERE
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


@ANYWHERE
def test_a_map_index_that_is_new_waits_for_the_unknown_outcome_of_another(
    kind: str, tmp_path: Path, sandbox: Sandbox
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
    with pytest.raises(AirflowFailException, match=r"map index 0.*may be the same numbers"):
        fresh.submit()
    assert sandbox.calls["submit"] == 1


@ANYWHERE
def test_an_unknown_outcome_does_not_stop_the_other_lists_of_the_same_expansion(
    kind: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abc"), {}
    for name in "abc":
        jobs[len(jobs)] = Job(kind, files[name], tmp_path / "journal")
        jobs[len(jobs) - 1].map_index = len(jobs) - 1
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        jobs[0].submit()
    for index in (1, 2):
        jobs[index].submit()
        jobs[index].submit()
    assert len(sandbox.bill.submissions) == 3


@ANYWHERE
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


def test_a_task_outside_a_loop_is_the_same_with_and_without_airflows_region(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    first = job.submit()
    job.region = ("00000000-0000-0000-0000-000000000000", -1)
    assert job.submit() == first


def test_a_mapped_task_has_a_region_of_its_own_which_is_no_loop(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    """As seen on a real deployment of 3.4.0b2: region_index is the map index there."""
    job = Job("variables", numbers_file, tmp_path)
    job.map_index, job.region = 0, (str(uuid4()), 0)
    first = job.submit()
    job.clear()
    job.map_index, job.region = 1, (str(uuid4()), 1)
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("http://api.example", "https://api.example"),
        ("https://api.example", "https://API.example."),
        ("https://api.example", "https://api.example:443/v1/"),
    ],
)
def test_one_api_under_two_spellings_is_one_scope(
    host: str, other: str, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ekyc.hooks.ekyc import EkycHook

    scopes = set()
    for each in (host, other):
        monkeypatch.setenv(
            "AIRFLOW_CONN_EKYC_DEFAULT", json.dumps({"conn_type": "ekyc", "host": each, "password": "made-up-key"})
        )
        scopes.add(EkycHook().settings.scope_url)
    assert len(scopes) == 1


@ANYWHERE
def test_an_account_that_is_added_later_is_warned_of_before_it_pays(
    kind: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    connect: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = Job(kind, numbers_file, tmp_path / "journal")
    job.submit()
    connect(sandbox, account="another account")
    job.submit()
    assert "submitted this list to" in caplog.text
    assert "(account another account), so it is submitted there, and charged" in caplog.text


@pytest.mark.parametrize("added", ["local", "s3"])
def test_a_journal_uri_that_is_added_between_two_tries_pays_nothing(
    added: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any
) -> None:
    job = Job("variables", numbers_file, tmp_path / "journal")
    first = job.submit()
    job.kind = added
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


def test_a_journal_uri_that_is_taken_away_between_two_tries_sends_nothing(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    job.submit()
    job.kind = "variables"
    with pytest.raises(AirflowFailException, match="can't be found now"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize("removed", [False, True], ids=["moved", "removed"])
def test_a_journal_that_moves_while_the_mapped_list_shifts_sends_nothing(
    removed: bool, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abc"), {}
    expanded(jobs, "local", [files["b"], files["c"]], tmp_path / "journal")
    fresh = Job("variables" if removed else "local", files["c"], tmp_path / "another")
    fresh.map_index = 2
    with pytest.raises(AirflowFailException, match="can't be found now"):
        fresh.submit()
    assert len(sandbox.bill.submissions) == 2


def test_a_directory_that_the_next_worker_does_not_share_is_never_nothing_there(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    job.submit()
    job.folder = tmp_path / "the other worker's directory"
    with pytest.raises(AirflowFailException, match="that record can't be found now"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor"])
def test_a_directory_is_warned_of_where_the_executor_uses_other_machines(
    executor: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    job.submit()
    assert "all workers share" not in caplog.text
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    job.submit()
    assert "It must be a directory that all workers share" in caplog.text


@ANYWHERE
def test_a_record_that_was_deleted_is_never_nothing_there(
    kind: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job(kind, numbers_file, tmp_path / "journal")
    job.submit()
    for path in job.folder.rglob("*.json"):
        path.unlink()
    variables.forget()
    with pytest.raises(AirflowFailException, match=r"can't be found now.*Nothing was sent"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_a_later_try_without_any_record_warns_before_it_sends(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job("variables", numbers_file, tmp_path)
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


def test_a_test_run_says_that_each_call_pays(
    numbers_file: Path, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    ti = TaskInstance()
    ti.run_id = "__airflow_temporary_run_2026-11-25T00:00:00+00:00__"
    with caplog.at_level("INFO"):
        ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute({"ti": ti})
    said = caplog.text.index("each call of it submits and pays anew")
    assert said < caplog.text.index("was accepted")
    ((key, record),) = variables.receipts().items()
    assert json.loads(record)["ekyc_task_id"] == ekyc_task_id
    assert key.removesuffix("_receipt") in caplog.text
    assert ti.run_id in (variables.descriptions[key] or "")


class ForgetfulStore:
    """A stand-in for the state store, as an earlier version of this package left it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def get(self, key: str) -> Any:
        return self.values.get(key)


def earlier_name(sandbox: Sandbox, numbers_file: Path) -> str:
    """Name a submission as version 0.1.0's first records did: frozen here on purpose."""
    sent = hashlib.sha256(numbers_file.read_bytes()).hexdigest()
    fingerprint = hashlib.sha256(f"amazon\0{sent}".encode()).hexdigest()
    return hashlib.sha256("\0".join((sandbox.url, "ekyc_default", fingerprint)).encode()).hexdigest()[:16]


def test_a_receipt_of_an_earlier_version_in_the_state_store_is_found(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    receipt = {"ekyc_task_id": "made-up-id-of-before", "rows": 200, "submitted_at": "2026-11-01T00:00:00+00:00"}
    job.state_store = ForgetfulStore({f"ekyc-receipt-{earlier_name(sandbox, numbers_file)}": receipt})
    assert job.submit() == "made-up-id-of-before"
    assert sandbox.calls["submit"] == 0


def test_an_intent_of_an_earlier_version_in_a_directory_is_an_unknown_outcome(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    digest = hashlib.sha256(b"a_dag\0a_task\0a_run").hexdigest()[:16]
    folder = job.folder / "a_dag" / "a_task" / digest
    folder.mkdir(parents=True)
    intent = {
        "balance": 1000.0,
        "fingerprint": "f" * 64,
        "nonce": "0123456789abcdef",
        "rows": 200,
        "started_at": "2026-11-01T00:00:00+00:00",
        "try_number": 1,
    }
    (folder / f"{earlier_name(sandbox, numbers_file)}.intent.json").write_text(json.dumps(intent))
    with pytest.raises(AirflowFailException, match=r"has no receipt \(try 1 at 2026-11-01"):
        job.submit()
    assert sandbox.calls["submit"] == 0


@pytest.fixture(params=["IfNoneMatch IfMatch", "IfNoneMatch", "IfMatch"])
def careless_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the S3 client leave out conditions of a write, as some S3-compatible stores ignore them."""
    ignored = request.param.split()
    from airflow_provider_ekyc.s3.object import S3Object

    call = S3Object.call

    def without_conditions(self: S3Object, operation: str, **arguments: Any) -> dict[str, Any]:
        return call(self, operation, **{name: value for name, value in arguments.items() if name not in ignored})

    monkeypatch.setattr(S3Object, "call", without_conditions)


@pytest.mark.usefixtures("careless_store")
def test_a_store_that_ignores_conditions_is_refused(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any
) -> None:
    sandbox.fault("balance", "delay", seconds=0.5, times=None)
    ended: list[str] = []

    def attempt() -> None:
        try:
            ended.append(Job("s3", numbers_file, tmp_path).submit())
        except (AirflowFailException, EkycRetryException) as error:
            ended.append(str(error))

    tries = [threading.Thread(target=attempt) for _ in range(2)]
    for each in tries:
        each.start()
    for each in tries:
        each.join()
    assert sandbox.calls["submit"] == 0
    assert any("ignores If-" in each for each in ended)


def test_two_tries_at_once_over_s3_submit_once(numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any) -> None:
    sandbox.fault("balance", "delay", seconds=1.0, times=None)
    ended: list[object] = []

    def attempt(index: int) -> None:
        job = Job("s3", numbers_file, tmp_path)
        job.map_index = index
        try:
            ended.append(job.submit())
        except (AirflowFailException, EkycRetryException) as error:
            ended.append(error)

    tries = [threading.Thread(target=attempt, args=(index,)) for index in range(2)]
    for each in tries:
        each.start()
    for each in tries:
        each.join()
    assert len(sandbox.bill.submissions) == 1
    assert sorted(type(end).__name__ for end in ended) == ["EkycRetryException", "str"]


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_of_two_that_replace_one_record_one_succeeds(kind: str, tmp_path: Path, s3: Any, connections: None) -> None:
    from airflow_provider_ekyc.submission.identity import identity_of
    from airflow_provider_ekyc.submission.stores import open_store

    uri = f"s3://{BUCKET}/journal" if kind == "s3" else str(tmp_path)
    task = identity_of(TaskInstance())
    one, other = (open_store(uri, "aws_default", task) for _ in range(2))
    assert one.write("record", b"1", replacing=None)
    assert not other.write("record", b"other", replacing=None)
    assert one.read("record") == other.read("record") == b"1"
    assert other.write("record", b"2", replacing=b"1")
    assert not one.write("record", b"3", replacing=b"1")
    assert one.read("record") == b"2"
    assert one.names("rec") == ["record"]
