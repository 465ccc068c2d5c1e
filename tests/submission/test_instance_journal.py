"""The record of a task instance: its latest try, and what its tries began (``submission/instance_journal.py``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.instance_journal import INSTANCE, InstanceJournal
from airflow_provider_ekyc.submission.record import Begun
from airflow_provider_ekyc.submission.record_format import read_instance
from airflow_provider_ekyc.submission.variable_store import VariableStore
from dev.testing.variables import Variables
from tests.submission.in_memory import OTHER, SCOPE, TASK

STORE = VariableStore(TASK)
#: A list that is recorded beside the record of the task instance, and one that is recorded elsewhere.
HERE = Begun(SCOPE.fingerprint, SCOPE.api, SCOPE.account, STORE.address(SCOPE.name))
THERE = Begun(OTHER.fingerprint, OTHER.api, OTHER.account, "s3://a-bucket/journal/record.json")


def started(task: TaskIdentity = TASK) -> InstanceJournal:
    journal = InstanceJournal(task, STORE)
    journal.start_try()
    return journal


def recorded(index: int = 0) -> dict[str, Any]:
    """The record of a map index, without the time of its change, which is now."""
    body = STORE.read(f"{INSTANCE}{index}")
    assert body is not None
    record: dict[str, Any] = json.loads(body)
    assert abs(datetime.fromisoformat(record.pop("updated_at")) - datetime.now(UTC)) < timedelta(hours=1)
    return record


def test_before_it_starts_a_try_has_begun_nothing() -> None:
    journal = InstanceJournal(TASK, STORE)
    assert (journal.is_first_record, journal.begun) == (True, {})
    assert STORE.read(f"{INSTANCE}0") is None


def test_a_try_that_starts_is_recorded_as_the_latest() -> None:
    journal = started()
    assert (journal.is_first_record, journal.begun) == (True, {})
    assert recorded() == {"schema": 2, "record": "instance", "try_number": 1, "begun": {}}
    again = started(replace(TASK, try_number=2))
    assert not again.is_first_record
    assert recorded()["try_number"] == 2


@pytest.mark.parametrize(("map_index", "index"), [(-1, 0), (0, 0), (1, 1), (7, 7)])
def test_each_map_index_has_a_record_of_its_own(map_index: int, index: int, variables: Variables) -> None:
    started(replace(TASK, map_index=map_index))
    assert [key for key in variables.values if "_instance_" in key] == [STORE.key(f"instance_{index}")]


def test_what_tries_have_begun_is_kept_for_the_next() -> None:
    journal = started()
    journal.record_begun(SCOPE.name, HERE)
    assert journal.begun == {SCOPE.name: HERE}
    second = started(replace(TASK, try_number=2))
    assert second.begun == {SCOPE.name: HERE}
    second.record_begun(OTHER.name, THERE)
    both = {SCOPE.name: HERE, OTHER.name: THERE}
    assert second.begun == started(replace(TASK, try_number=3)).begun == both
    body = STORE.read(f"{INSTANCE}0")
    assert body is not None
    assert (read_instance(body, "there").try_number, read_instance(body, "there").begun) == (3, both)


def test_a_list_that_is_recorded_elsewhere_leaves_a_pointer_here() -> None:
    started().record_begun(OTHER.name, THERE)
    body = STORE.read(OTHER.name)
    assert body is not None
    pointer = json.loads(body)
    written = datetime.fromisoformat(pointer.pop("written_at"))
    assert abs(written - datetime.now(UTC)) < timedelta(hours=1)
    assert pointer == {"schema": 2, "record": "pointer", "address": THERE.journal}


def test_a_list_that_is_recorded_here_leaves_no_pointer() -> None:
    started().record_begun(SCOPE.name, HERE)
    assert STORE.read(SCOPE.name) is None


def test_a_pointer_replaces_nothing_that_is_there() -> None:
    assert STORE.write(OTHER.name, b"made-up-id", replacing=None)
    started().record_begun(OTHER.name, THERE)
    assert STORE.read(OTHER.name) == b"made-up-id"


def stopped(step: Callable[[], object]) -> None:
    with pytest.raises(EkycInProgressError) as failed:
        step()
    assert failed.value.message == (
        f"Another try of this task is running: it changed {STORE.address('instance_0')}. Nothing was sent. A retry "
        f"reads it again."
    )


def test_a_later_try_stops_an_earlier_one() -> None:
    journal = started()
    journal.require_latest_try()
    later = started(replace(TASK, try_number=2))
    stopped(journal.require_latest_try)
    stopped(lambda: journal.record_begun(SCOPE.name, HERE))
    assert journal.begun == {}
    later.require_latest_try()
    later.record_begun(SCOPE.name, HERE)
    later.require_latest_try()


def test_of_two_tries_that_start_at_the_same_moment_one_stops(variables: Variables) -> None:
    def overtake(moment: str, key: str) -> None:
        if moment == "after" and "_instance_" in key:
            variables.watch = lambda moment, key: None
            started(replace(TASK, try_number=2))

    variables.watch = overtake
    stopped(started)
    assert recorded()["try_number"] == 2


def test_a_record_that_can_not_be_read_names_itself() -> None:
    assert STORE.write(f"{INSTANCE}0", b"made up", replacing=None)
    with pytest.raises(EkycJournalError, match=STORE.address("instance_0")):
        started()
