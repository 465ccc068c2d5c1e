"""Submissions whose journal is named in one place or another, moves, or is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.stores import open_store
from dev.stack.s3_server import S3Server
from dev.testing.task_context import TaskInstance
from tests.conftest import BUCKET, aws_connection, keys_of
from tests.submission.submit_job import IN_FILES, IN_VARIABLES, Job, expanded, lists

pytestmark = pytest.mark.usefixtures("connections")


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_the_connection_in_the_address_of_a_journal_wins(
    scheme: str, s3: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER_AWS", aws_connection(s3_server))
    store = open_store(f"{scheme}://other_aws@{BUCKET}/journal", "no_such_connection", identity_of(TaskInstance()))
    assert store.write("record", b"1", replacing=None)
    assert store.read("record") == b"1"
    (key,) = keys_of(s3)
    assert store.address("record") == f"s3://{BUCKET}/{key}"


def test_where_a_journal_is_comes_from_the_operator_the_connection_or_the_configuration(
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uris = {name: str(tmp_path / name) for name in ("configuration", "connection", "operator")}
    jobs = [Job("variables", numbers_file, tmp_path) for _ in uris]
    for index, job in enumerate(jobs):
        job.map_index = index
        numbers_file.write_text(numbers_file.read_text() + f"+99912345678{index}0\n")
        if index == 0:
            monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_URI", uris["configuration"])
        elif index == 1:
            connect(sandbox, journal_uri=uris["connection"])
        job.submit(**({"journal_uri": uris["operator"]} if index == 2 else {}))
    for uri in uris.values():
        assert len(list(Path(uri).rglob("*_receipt.json"))) == 1


@IN_FILES
@pytest.mark.parametrize("uri", ["gs://bucket/journal", "relative/path", "s3://", "file://host/path"])
def test_other_stores_are_refused_with_a_reason(job: Job, uri: str, sandbox: Sandbox) -> None:
    with pytest.raises(AirflowFailException, match="journal_uri"):
        job.submit(journal_uri=uri)
    assert sandbox.calls["submit"] == 0


@IN_FILES
@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor"])
def test_a_directory_is_warned_of_where_the_executor_uses_other_machines(
    job: Job, executor: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job.submit()
    assert "all workers share" not in caplog.text
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    job.submit()
    assert "It must be a directory that all workers share" in caplog.text


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_of_two_that_replace_one_record_one_succeeds(kind: str, tmp_path: Path, s3: Any, connections: None) -> None:
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


@IN_VARIABLES
@pytest.mark.parametrize("added", ["local", "s3"])
def test_a_journal_uri_that_is_added_between_two_tries_pays_nothing(
    job: Job, added: str, sandbox: Sandbox, s3: Any
) -> None:
    first = job.submit()
    job.kind = added
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


@IN_FILES
def test_a_journal_uri_that_is_taken_away_between_two_tries_sends_nothing(job: Job, sandbox: Sandbox) -> None:
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


@IN_VARIABLES
def test_what_schema_1_recorded_in_the_task_state_store_is_found(job: Job, sandbox: Sandbox) -> None:
    def digest(*parts: str) -> str:
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    # As schema 1 named it: by the URL as the connection has it, and by the numbers in their order.
    sent = digest("amazon", hashlib.sha256(job.numbers.read_bytes()).hexdigest())
    job.state_store = {f"ekyc-receipt-{digest(sandbox.url, 'ekyc_default', sent)[:16]}": {"ekyc_task_id": "made-up-id"}}
    assert job.submit() == "made-up-id"
    assert sandbox.calls["submit"] == 0
