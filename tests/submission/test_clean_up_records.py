"""Which records of which age are deleted, record by record (``submission/clean_up.py``)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.submission.clean_up import delete_old_records
from airflow_provider_ekyc.submission.variable_store import PREFIX
from dev.testing.variables import Variables

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AGE = timedelta(days=90)
LIMIT = NOW - AGE
OLD, YOUNG = LIMIT - timedelta(microseconds=1), LIMIT
#: Of one list: its own record, what is being sent, and its receipt.
OWN, OPEN, RECEIPT = f"{PREFIX}task_list", f"{PREFIX}task_open_list", f"{PREFIX}task_list_receipt"


def record(kind: str, time: datetime | str, **more: Any) -> str:
    """A record as it is stored; each kind has its time under another name."""
    name = {"receipt": "submitted_at", "intent": "started_at", "instance": "updated_at", "pointer": "written_at"}[kind]
    shown = time if isinstance(time, str) else time.isoformat()
    return json.dumps({"schema": 2, "record": kind, name: shown, **more})


def left(variables: Variables, age: timedelta = AGE) -> set[str]:
    """Delete what is old, and return the keys that are left."""
    before = set(variables.values)
    deleted = delete_old_records(age, now=NOW)
    assert deleted == len(before) - len(variables.values)
    return set(variables.values)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("receipt", {}), ("intent", {"state": "not_taken"}), ("instance", {})],
)
def test_each_kind_is_deleted_when_it_is_older_than_that(kind: str, more: dict[str, str], variables: Variables) -> None:
    variables.values = {f"{PREFIX}old": record(kind, OLD, **more), f"{PREFIX}young": record(kind, YOUNG, **more)}
    assert left(variables) == {f"{PREFIX}young"}


def test_what_points_into_another_store_is_kept(variables: Variables) -> None:
    variables.values = {OWN: record("pointer", OLD)}
    assert left(variables) == {OWN}


@pytest.mark.parametrize("state", ["unknown", "sending"])
def test_a_submission_that_may_be_charged_is_kept(state: str, variables: Variables) -> None:
    variables.values = {OWN: record("intent", OLD, state="not_taken"), OPEN: record("intent", OLD, state=state)}
    assert left(variables) == {OPEN}


def test_what_was_to_be_sent_again_has_the_age_of_its_own_records(variables: Variables) -> None:
    """After "send again" in a receipt its entry has the intent of the second send."""
    refused, unknown = record("intent", OLD, state="not_taken"), record("intent", OLD, state="unknown")
    variables.values = {RECEIPT: refused, OWN: refused, OPEN: unknown}
    assert OPEN in left(variables)


def test_the_records_of_an_accepted_list_have_the_age_of_its_receipt(variables: Variables) -> None:
    open_since_long = record("intent", OLD, state="sending")
    for time, kept in ((OLD, set()), (YOUNG, {OWN, OPEN, RECEIPT})):
        variables.values = {RECEIPT: record("receipt", time), OWN: open_since_long, OPEN: open_since_long}
        assert left(variables) == kept


def test_what_was_being_sent_is_deleted_before_its_receipt(
    variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[str] = []
    variables.values = {
        key: record("receipt" if key == RECEIPT else "intent", OLD, state="sending") for key in (RECEIPT, OWN, OPEN)
    }
    monkeypatch.setattr(variables, "delete", deleted.append)
    assert delete_old_records(AGE, now=NOW) == 3
    assert deleted == [OWN, OPEN, RECEIPT]


@pytest.mark.parametrize("key", [OWN, OPEN, RECEIPT])
def test_the_record_of_an_instance_is_kept_as_long_as_a_record_of_what_it_has_begun(
    key: str, variables: Variables
) -> None:
    instance, other = f"{PREFIX}task_instance_0", f"{PREFIX}task_instance_1"
    third, shared = f"{PREFIX}task_instance_2", f"{PREFIX}task_another_receipt"
    for value in ("made-up-id", record("receipt", OLD)):
        variables.values = {
            # In this order: what the third has begun is kept for the second, which is found later.
            third: record("instance", OLD, begun={"another": {}}),
            other: record("instance", OLD, begun={"third": {}}),
            instance: record("instance", OLD, begun={"another": {}, "list": {}}),
            shared: record("receipt", OLD),
            key: value,
        }
        assert left(variables) == ({key, instance, shared, third} if value == "made-up-id" else set())


@pytest.mark.parametrize("begun", [None, [], "list"])
def test_an_instance_that_has_begun_nothing_that_can_be_read_is_deleted(begun: object, variables: Variables) -> None:
    variables.values = {f"{PREFIX}task_instance_0": record("instance", OLD, begun=begun), OWN: "made-up-id"}
    assert left(variables) == {OWN}


@pytest.mark.parametrize(
    "value",
    [
        "made-up-id",
        '"made-up-id"',
        "[1]",
        '{"ekyc_task_id": "made-up-id", "submitted_at": "2020-01-01T00:00:00+00:00"}',
        '{"record": "receipt", "submitted_at": "2020-01-01T00:00:00+00:00"}',
        '{"schema": 3, "record": "receipt", "submitted_at": "2020-01-01T00:00:00+00:00"}',
        '{"schema": 2, "record": "made up", "submitted_at": "2020-01-01T00:00:00+00:00"}',
        '{"schema": 2, "submitted_at": "2020-01-01T00:00:00+00:00"}',
        '{"schema": 2, "record": "receipt"}',
        '{"schema": 2, "record": "receipt", "submitted_at": null}',
        '{"schema": 2, "record": "receipt", "submitted_at": "long ago"}',
    ],
)
def test_what_a_person_or_a_later_version_wrote_is_kept(value: str, variables: Variables) -> None:
    variables.values = {OWN: value, f"{PREFIX}old": record("receipt", OLD)}
    assert left(variables) == {OWN}


def test_what_is_not_a_record_of_a_submission_is_kept(variables: Variables) -> None:
    kept = {f"{PREFIX}check": record("receipt", OLD), "somebody_elses": record("receipt", OLD)}
    variables.values = {**kept, f"{PREFIX}old": record("receipt", OLD)}
    assert left(variables) == set(kept)


def test_a_record_that_is_deleted_meanwhile_is_no_error(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
    variables.values = {f"{PREFIX}old": record("receipt", OLD)}
    monkeypatch.setattr(variables, "keys", lambda prefix=None: [f"{PREFIX}gone", f"{PREFIX}old"])
    assert left(variables) == set()


def test_a_time_without_a_zone_is_in_utc_and_one_with_a_zone_is_in_it(variables: Variables) -> None:
    east = timedelta(hours=8)
    variables.values = {
        f"{PREFIX}old": record("receipt", OLD.isoformat().removesuffix("+00:00")),
        f"{PREFIX}young": record("receipt", YOUNG.isoformat().removesuffix("+00:00")),
        f"{PREFIX}east": record("receipt", (OLD + east).isoformat().replace("+00:00", "+08:00")),
    }
    assert left(variables) == {f"{PREFIX}young"}


def test_without_a_time_it_is_now(variables: Variables, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now = datetime.now(UTC)
    old, young = now - timedelta(days=2), now
    variables.values = {f"{PREFIX}old": record("receipt", old), f"{PREFIX}young": record("receipt", young)}
    assert delete_old_records(timedelta(days=1)) == 1
    assert set(variables.values) == {f"{PREFIX}young"}


def test_the_log_says_how_many_were_deleted(variables: Variables, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    variables.values = {f"{PREFIX}{index}": record("receipt", OLD) for index in range(3)}
    delete_old_records(AGE, now=NOW)
    assert caplog.messages == ["Deleted 3 Variables with records of submissions from before 2026-03-03T00:00:00+00:00."]


def test_where_variables_can_not_be_listed_the_command_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", object())
    with pytest.raises(EkycSettingsError) as failed:
        delete_old_records(AGE)
    assert failed.value.message == (
        "delete_old_records needs Airflow 3.3 or later. On this one use the command line: airflow variables list, "
        "airflow variables delete, for keys that begin with ekyc_submission_."
    )
