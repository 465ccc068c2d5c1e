"""Which stores a task has, and what an address of a journal means; no record is written here."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSettingsError, EkycSignInError
from airflow_provider_ekyc.submission import stores as stores_module
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.stores import ReadableStore, Stores, open_store, open_stores
from airflow_provider_ekyc.submission.variable_store import VariableStore
from dev.testing.task_context import TaskInstance

TASK = identity_of(TaskInstance())
FOLDERS = f"a_dag/a_task/{TASK.digest}"


@pytest.fixture(autouse=True)
def _connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that can't be used, and are named when they are tried: no server is needed to tell them apart."""
    aws = json.dumps({"conn_type": "aws", "extra": {"config_kwargs": {"made_up": 1}}})
    for name in ("of_address", "of_operator", "of_section"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", aws)


def connection_of(store: ReadableStore) -> str:
    """Return which connection a store in S3 uses."""
    with pytest.raises(EkycSignInError) as failed:
        store.read("record")
    return failed.value.message.partition("AWS connection '")[2].partition("'")[0]


def stores(
    uri: str | None = None, connection_uri: str | None = None, state_store: Any = None, **arguments: Any
) -> Stores:
    return open_stores(
        TASK,
        uri=uri,
        aws_conn_id="of_operator",
        connection_uri=connection_uri,
        state_store=state_store,
        **arguments,
    )


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3a://bucket//a/prefix//", "s3://bucket/a/prefix"),
        ("s3://bucket/X/prefix/X", "s3://bucket/X/prefix/X"),
        ("s3n://of_address@bucket/a", "s3://bucket/a"),
        ("/shared/dir", "/shared/dir"),
        ("file:///shared/dir", "/shared/dir"),
    ],
)
def test_records_are_below_the_address_in_folders_of_the_dag_the_task_and_the_run(uri: str, place: str) -> None:
    assert open_store(uri, "of_operator", TASK).address("record") == f"{place}/{FOLDERS}/record.json"


def test_the_folders_of_a_key_are_short_and_end_with_a_whole_letter() -> None:
    task = identity_of(TaskInstance(dag_id="a" + "é" * 100, task_id="b" * 201))
    folders = f"{'a' + 'é' * 99}/{'b' * 200}/{task.digest}"
    assert open_store("s3://bucket", None, task).address("record") == f"s3://bucket/{folders}/record.json"


def test_the_connection_in_an_address_wins_over_another() -> None:
    assert connection_of(open_store("s3://of_address@bucket/a", "of_operator", TASK)) == "of_address"
    assert connection_of(open_store("s3://bucket/a", "of_operator", TASK)) == "of_operator"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("gs://bucket/journal", " (gs, bucket)"),
        ("gs://name@bucket/journal", " (gs, bucket)"),
        ("relative/path", " (no scheme)"),
        ("file:relative/path", " (file)"),
        ("file://host/path", " (file, host)"),
        ("//host/path", " (no scheme, host)"),
        ("s3://", " (s3)"),
        ("s3x://bucket/journal", " (s3x, bucket)"),
        ("s3://bucket/journal?made-up", " (s3, bucket)"),
        ("s3://bucket/journal#made-up", " (s3, bucket)"),
        ("s3://name:made-up@bucket/journal", " (s3, bucket)"),
        ("/shared/dir?made-up", " (no scheme)"),
        ("s3://[bucket/made-up", ""),
    ],
)
def test_another_address_is_refused_without_what_may_be_secret(uri: str, shown: str) -> None:
    with pytest.raises(EkycSettingsError) as failed:
        open_store(uri, "of_operator", TASK)
    assert failed.value.message.startswith(f"journal_uri{shown} must be s3://bucket/prefix, ")
    assert "made-up" not in failed.value.message


def test_without_an_address_records_are_variables() -> None:
    found = stores()
    assert isinstance(found.instances, VariableStore)
    assert found.instances.address("record") == VariableStore(TASK).address("record")
    assert (found.submissions, found.schema_1) == ((found.instances,), ())
    given = VariableStore(TASK)
    assert stores(variables=given) == Stores((given,), given, ())


def test_the_address_of_the_operator_comes_before_the_connections_and_the_configurations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_URI", " s3://configuration/a\n")
    monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_CONN_ID", " of_section ")
    buckets = {
        "operator": ({"uri": "s3://operator/a", "connection_uri": "s3://connection/a"}, "of_operator"),
        "connection": ({"connection_uri": "s3://connection/a"}, "of_operator"),
        "configuration": ({}, "of_section"),
    }
    for bucket, (arguments, connection) in buckets.items():
        found = stores(**arguments)
        store, variables = found.submissions
        assert store.address("record") == f"s3://{bucket}/a/{FOLDERS}/record.json"
        assert connection_of(store) == connection
        assert (variables, found.schema_1) == (found.instances, (store,))
        assert isinstance(variables, VariableStore)
    monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_CONN_ID", " ")
    assert connection_of(stores().submissions[0]) == "of_operator"


def test_a_configuration_without_the_defaults_of_the_package_names_no_journal_and_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, str] = {}

    class Configuration:
        """Airflow's, where the defaults of providers are not read."""

        @staticmethod
        def get(section: str, key: str, *, fallback: str) -> str:
            return options.get(f"{section} {key}", fallback)

    monkeypatch.setattr(stores_module, "conf", Configuration)
    found = stores()
    assert found.submissions == (found.instances,)
    options["ekyc journal_uri"] = "s3://bucket/a"
    assert connection_of(stores().submissions[0]) == "of_operator"


class StateStore(dict[str, Any]):
    """Airflow's, in memory; a value that is an error is raised."""

    def get(self, key: str, default: Any = None) -> Any:
        value = super().get(key, default)
        if isinstance(value, Exception):
            raise value
        return value


def test_what_schema_1_wrote_is_read_from_the_task_state_store() -> None:
    receipt = MappingProxyType({"ekyc_task_id": "made-up-id"})  # as a backend of the user's may return it
    found = stores(state_store=StateStore({"ekyc-receipt-0a1b": receipt, "ekyc-intent-0a1b": "made up"}))
    (old,) = found.schema_1
    assert len(found.submissions) == 1
    assert old.address("0a1b.receipt") == "ekyc-receipt-0a1b in this task's Task State Store"
    assert json.loads(old.read("0a1b.receipt") or b"") == receipt
    assert old.read("0a1b.intent") == b'"made up"'
    assert old.read("0a1b.other") is None


def test_a_task_state_store_beside_a_journal_is_read_after_it(tmp_path: Path) -> None:
    found = stores(str(tmp_path), state_store=StateStore())
    store, old = found.schema_1
    assert found.submissions[0] is store
    assert old.address("0a1b.receipt").startswith("ekyc-receipt-0a1b")


def test_a_task_state_store_that_fails_may_pass() -> None:
    (old,) = stores(state_store=StateStore({"ekyc-receipt-0a1b": ConnectionError("made up")})).schema_1
    with pytest.raises(EkycJournalError, match=r"task state store can't be read \(ConnectionError\)") as failed:
        old.read("0a1b.receipt")
    assert failed.value.retryable


@pytest.mark.parametrize(
    ("executor", "is_warned"),
    [("LocalExecutor", False), ("CeleryExecutor", True), ("LocalExecutor,made.up.AwsBatchExecutor", True)],
)
def test_a_directory_is_warned_of_where_the_executor_uses_other_machines(
    executor: str,
    is_warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    open_store("s3://bucket/a", None, TASK)
    assert caplog.messages == []
    open_store(str(tmp_path), None, TASK)
    said = " ".join(" ".join(caplog.messages).split())
    assert (f"journal_uri {tmp_path} is a directory, and the executor ({executor}) may run" in said) == is_warned
    assert {level for _, level, _ in caplog.record_tuples} == ({logging.WARNING} if is_warned else set())
