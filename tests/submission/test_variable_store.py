"""Records in Airflow Variables: absent is absent only if Variables can be read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.variable_store import (
    CHECK,
    PREFIX,
    VariableStore,
    delete_variable,
    list_variables,
    read_variable,
)
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables

TASK = identity_of(TaskInstance())
KEY = f"{PREFIX}{TASK.digest}_record"


@pytest.fixture
def store() -> VariableStore:
    return VariableStore(TASK)


def test_a_record_is_a_variable_whose_key_has_the_digest_of_its_task(store: VariableStore) -> None:
    assert store.key("record") == f"ekyc_submission_{TASK.digest}_record"
    assert store.address("record") == f"Airflow Variable {KEY}"


def test_a_record_is_written_only_over_what_was_read(store: VariableStore, variables: Variables) -> None:
    assert store.read("record") is None
    assert store.write("record", b"1", replacing=None)
    assert not store.write("record", b"2", replacing=None)
    assert not store.write("record", b"2", replacing=b"0")
    assert (store.read("record"), variables.values[KEY]) == (b"1", "1")
    assert store.write("record", b"2", replacing=b"1")
    assert store.read("record") == b"2"
    assert variables.descriptions[KEY] == "eKYC submission of a_dag.a_task, run a_run"


def test_the_names_are_those_of_this_task(store: VariableStore, variables: Variables) -> None:
    other = VariableStore(identity_of(TaskInstance(dag_id="another_dag")))
    for each, name in ((store, "open_1"), (store, "open_2"), (store, "record"), (other, "open_3")):
        assert each.write(name, b"1", replacing=None)
    assert store.names("open_") == ["open_1", "open_2"]
    assert store.names("") == ["open_1", "open_2", "record"]


def test_an_airflow_that_lists_no_variables_gives_no_names(
    store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older:
        """Airflow 3.2 and earlier."""

        get, set = variables.get, variables.set

    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", Older)
    assert list_variables(PREFIX) is None
    assert store.names("") is None
    assert store.write("record", b"1", replacing=None)
    variables.values[CHECK] = "written by an earlier version"
    assert store.read("other") is None
    assert variables.values[CHECK] == "written by an earlier version"
    variables.unseen = True
    with pytest.raises(EkycJournalError, match=r"can't be read just now \(not found\)"):
        store.read("record")


def test_a_record_that_is_there_needs_no_other_variable(store: VariableStore, variables: Variables) -> None:
    variables.values[KEY] = "1"
    assert store.read("record") == b"1"
    assert list(variables.values) == [KEY]


def test_the_first_read_writes_a_variable_that_shows_whether_variables_can_be_read(
    store: VariableStore, variables: Variables
) -> None:
    assert store.read("record") is None
    assert list(variables.values) == [CHECK] == ["ekyc_submission_check"]
    assert "Written by airflow-provider-ekyc" in variables.values[CHECK]
    assert variables.descriptions == {CHECK: "airflow-provider-ekyc"}
    variables.values[CHECK] = "written by an earlier version"
    assert store.read("record") is None
    assert variables.values[CHECK] == "written by an earlier version"


def test_a_record_that_another_task_writes_while_variables_are_checked_is_read(
    store: VariableStore, variables: Variables
) -> None:
    def written_meanwhile(moment: str, key: str) -> None:
        variables.values.setdefault(KEY, "1")

    variables.watch = written_meanwhile
    assert store.read("record") == b"1"


def test_a_check_of_another_team_is_not_needed(
    store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``[core] multi_team`` a Variable that a task writes is of its team, and others neither read nor list it."""
    get, keys = variables.get, variables.keys

    def of_this_team(key: str, default: Any = ...) -> Any:
        return get("nothing" if key == CHECK else key, default)

    monkeypatch.setattr(variables, "get", of_this_team)
    monkeypatch.setattr(variables, "keys", lambda prefix=None: [key for key in keys(prefix) if key != CHECK])
    assert store.read("record") is None
    own = sorted(variables.values)[1]
    assert re.fullmatch("ekyc_submission_check_[0-9a-f]{16}", own)
    variables.values[own] = "written by an earlier version"
    assert VariableStore(identity_of(TaskInstance(run_id="another_run"))).read("record") is None
    assert variables.values[own] == "written by an earlier version"
    assert VariableStore(identity_of(TaskInstance(dag_id="another_dag"))).read("record") is None
    assert len(variables.values) == 3


def test_variables_that_are_listed_and_cannot_be_read_need_a_person(store: VariableStore, variables: Variables) -> None:
    assert store.read("record") is None
    variables.unseen = True
    with pytest.raises(EkycJournalError, match=r"was \[core\] fernet_key changed\?") as failed:
        store.read("record")
    assert not failed.value.retryable


def test_a_check_that_another_task_has_written_since_stops_nothing(
    store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, prefixes = variables.keys, []

    def written_meanwhile(prefix: str | None = None) -> list[str]:
        prefixes.append(prefix)
        variables.values[CHECK] = "written by another task"
        return listed(prefix)

    monkeypatch.setattr(variables, "keys", written_meanwhile)
    assert store.read("record") is None
    assert variables.values == {CHECK: "written by another task"}
    assert prefixes == [CHECK], "no other Variable of the deployment is listed"


def test_a_write_that_airflow_only_logs_is_not_taken_for_one(
    store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.write("record", b"1", replacing=None)

    def ignored(key: str, value: str, description: str | None = None) -> None:
        """Do what Airflow 3.0 to 3.2 do with a write that fails."""

    monkeypatch.setattr(variables, "set", ignored)
    for name, replacing in (("record", b"1"), ("other", None)):
        with pytest.raises(EkycJournalError, match=r"can't be written \(the old value is still there\)") as failed:
            store.write(name, b"2", replacing=replacing)
        assert failed.value.retryable


def test_a_write_that_another_try_has_written_over_has_not_succeeded(
    store: VariableStore, variables: Variables
) -> None:
    def written_over(moment: str, key: str) -> None:
        if moment == "after":
            variables.values[key] = "of another try"

    variables.watch = written_over
    assert not store.write("record", b"1", replacing=None)


@pytest.mark.parametrize("call", ["read", "written", "listed"])
def test_what_airflow_raises_is_named_and_may_pass(
    call: str, store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ConnectionError("made up")

    calls = {
        "read": ("get", lambda: store.read("record")),
        "written": ("set", lambda: store.write("record", b"1", replacing=None)),
        "listed": ("keys", lambda: store.names("")),
    }
    method, act = calls[call]
    assert store.read("record") is None
    monkeypatch.setattr(variables, method, fails)
    with pytest.raises(EkycJournalError, match=rf"Variables can't be {call} \(ConnectionError\)") as failed:
        act()
    assert failed.value.retryable


def test_only_airflows_own_word_means_that_there_is_no_variable(
    store: VariableStore, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_variable("no such key") is None
    variables.away = True
    with pytest.raises(EkycJournalError, match=r"can't be read \(AirflowRuntimeError\)"):
        read_variable("no such key")
    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", LikeAirflow2)
    assert read_variable("no such key") is None


class LikeAirflow2:
    """Says in Airflow 2's way that there is no Variable."""

    @staticmethod
    def get(key: str) -> str:
        raise KeyError(key)


def test_a_value_that_is_no_text_is_read_as_text(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "get", lambda key: 5)
    assert read_variable("a_key") == "5"


def test_a_variable_is_deleted(store: VariableStore, variables: Variables) -> None:
    assert store.write("record", b"1", replacing=None)
    delete_variable(KEY)
    assert list(variables.values) == [CHECK]
    with pytest.raises(KeyError):
        delete_variable(KEY)
