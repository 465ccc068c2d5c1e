"""``plugins/needs.py`` and ``plugins/recorded.py``: what a person has to decide, by the records of the submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ekyc.plugins.chains import Chain
from airflow_provider_ekyc.plugins.needs import Findings, ekyc_task_ids_landed, need_of
from airflow_provider_ekyc.plugins.recorded import (
    GivenVariables,
    Known,
    begun_by,
    identities_of,
    instance_key,
    recorded_submissions,
    submission_keys,
)
from airflow_provider_ekyc.plugins.task_records import TaskRecord
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import Begun, InstanceRecord, Intent, IntentState, Pointer, Receipt
from airflow_provider_ekyc.submission.record_format import write_record
from tests.plugins.made_up_tasks import sensor, submit, transfer

NAME = "0123456789abcdef"
NOTHING_LANDED: frozenset[str] = frozenset()
SENT = Intent(
    started_at="2026-11-26T07:00:00+00:00",
    try_number=1,
    map_index=-1,
    rows=3000,
    fingerprint="f" * 64,
    nonce="made-up",
    balance=12.5,
    possible_ids=("perhaps-1",),
    possibly_charged=1,
)
UNKNOWN = replace(SENT, state=IntentState.UNKNOWN)
REFUSED = replace(SENT, state=IntentState.NOT_ACCEPTED)
CHARGED = {"kind": "unknown_outcome", "charge": "possible", "message": "Adopt it.", "runbook": "docs/x.md#y"}
FREE = {"kind": "authentication", "charge": "none", "message": "The key is wrong.", "runbook": "docs/x.md#z"}
SENDING = {"state": "sending", "name": NAME, "record": "s3://made-up/r", "store": "s3", "rows": 3000}


def identity(task: TaskRecord) -> TaskIdentity:
    """Return the task instance as its records name it."""
    return identities_of(task)[0]


def address(task: TaskRecord) -> str:
    """Return where the record of its submission is."""
    return f"Airflow Variable {next(submission_keys(identity(task), [NAME]))}"


def variables(task: TaskRecord, journal: str | None = None, **records: Any) -> dict[str, str]:
    """Return Variables: that a task has begun a submission, and its records ``own``, ``being_sent`` and ``receipt``."""
    begun = Begun("f" * 64, "https://api.invalid", "made-up", journal or address(task))
    values = {instance_key(identity(task)): InstanceRecord(1, "", {NAME: begun})}
    keys = dict(zip(("own", "being_sent", "receipt"), submission_keys(identity(task), [NAME]), strict=True))
    values |= {keys[name]: record for name, record in records.items()}
    return {key: each if isinstance(each, str) else write_record(each).decode() for key, each in values.items()}


def findings(task: TaskRecord, values: Mapping[str, str]) -> Findings:
    """Return what the records say."""
    begun = begun_by(values, identity(task))
    if begun is None:
        return Findings()
    return Findings(has_record=True, submissions=recorded_submissions(values, identity(task), begun))


def need(task: TaskRecord, values: Mapping[str, str], *rest: TaskRecord) -> dict[str, Any] | None:
    """Return what a person has to decide about a chain whose submission has failed."""
    chain = Chain(task, *(rest or (sensor("upstream_failed"), transfer("upstream_failed"))))
    return need_of(chain, findings(task, values), NOTHING_LANDED)


def test_an_unknown_outcome_with_all_that_is_known() -> None:
    unsettled = {"name": NAME, "balance_after": "9.50", "estimated_cost": "3.00", "possible_ids": ["perhaps-2"]}
    task = submit("failed", failure=CHARGED, unsettled=unsettled, try_number=2)
    assert need(task, variables(task, own=UNKNOWN, being_sent=UNKNOWN)) == {
        "kind": "unknown_outcome",
        "dag_id": "numbers",
        "run_id": "first",
        "task_id": "submit",
        "map_index": -1,
        "try_number": 2,
        "when": "2026-11-26T07:00:00+00:00",
        "rows": 3000,
        "record": address(task),
        "store": "variables",
        "name": NAME,
        "possible_ids": ["perhaps-1", "perhaps-2"],
        "balance_before": "12.5",
        "balance_after": "9.50",
        "estimated_cost": "3.00",
        "message": "Adopt it.",
        "charge": "possible",
        "runbook": "docs/x.md#y",
        "ways": ["adopt", "send_again", "log"],
    }


def test_a_try_that_was_killed_while_it_sent_has_pushed_nothing_and_is_seen_by_its_record() -> None:
    task = submit("failed")
    found = need(task, variables(task, own=REFUSED, being_sent=SENT))
    assert found is not None
    assert (found["kind"], found["rows"], found["runbook"]) == (
        "unknown_outcome",
        3000,
        "docs/runbook.md#unknown_outcome",
    )


def test_an_xcom_can_not_make_an_open_submission_free() -> None:
    task = submit("failed", failure=FREE, unsettled={"state": "not_accepted"})
    found = need(task, variables(task, own=UNKNOWN, being_sent=UNKNOWN))
    assert found is not None
    assert found["charge"] == "possible"


@pytest.mark.parametrize("failure", [None, FREE, CHARGED])
@pytest.mark.parametrize(
    "records",
    [
        {"own": REFUSED},
        {"own": REFUSED, "being_sent": REFUSED},
    ],
)
def test_what_was_refused_needs_nobody(records: dict[str, Any], failure: Any) -> None:
    task = submit("failed", **({} if failure is None else {"failure": failure}))
    assert need(task, variables(task, **records)) is None


@pytest.mark.parametrize("records", [{"own": "adopted-1", "being_sent": UNKNOWN}, {"receipt": Receipt("adopted-1")}])
def test_what_was_adopted_and_not_cleared_is_paid_and_not_landed(records: dict[str, Any]) -> None:
    task = submit("failed", failure=CHARGED)
    found = need(task, variables(task, **records))
    assert found is not None
    assert (found["kind"], found["possible_ids"], found["ways"]) == ("not_landed", ["adopted-1"], ["clear", "log"])
    assert (found["task_id"], found["charge"]) == ("submit", "certain")


@pytest.mark.parametrize(
    ("xcoms", "kind"),
    [
        ({"failure": CHARGED, "unsettled": SENDING}, "unknown_outcome"),
        ({"failure": CHARGED}, "unknown_outcome"),
        ({"unsettled": SENDING}, "unknown_outcome"),
        ({}, "not_known"),
        ({"unsettled": {**SENDING, "state": "not_accepted"}}, "not_known"),
        ({"failure": FREE, "unsettled": SENDING}, None),
    ],
)
def test_with_a_journal_elsewhere_what_the_task_has_pushed_decides(xcoms: dict[str, Any], kind: str | None) -> None:
    task = submit("failed", **xcoms)
    pointer = Pointer("s3://journal/record.json", "2026-11-26T07:00:00+00:00")
    found = need(task, variables(task, "s3://journal/record.json", own=pointer))
    assert (found and found["kind"]) == kind
    if found is not None:
        assert (found["store"], found["record"]) == ("s3", "s3://journal/record.json")


@pytest.mark.parametrize(
    ("records", "known"),
    [
        ({"own": "{not json"}, Known.UNREADABLE),
        ({"own": '{"schema": 99, "record": "intent"}'}, Known.UNREADABLE),
        ({}, Known.ABSENT),
    ],
)
def test_a_record_that_is_gone_or_broken_is_not_known_and_never_free(records: dict[str, Any], known: Known) -> None:
    task = submit("failed")
    values = variables(task, **records)
    assert [each.known for each in findings(task, values).submissions] == [known]
    found = need(task, values)
    assert found is not None
    assert (found["kind"], found["ways"], found["charge"]) == ("not_known", ["log"], "possible")


@pytest.mark.parametrize("words", ["send again", '"Send it again"'])
@pytest.mark.parametrize("failure", [None, FREE, CHARGED])
def test_a_list_that_is_to_be_sent_again_is_shown_until_its_task_is_cleared(words: str, failure: Any) -> None:
    task = submit("failed", **({} if failure is None else {"failure": failure}))
    found = need(task, variables(task, own=words, being_sent=UNKNOWN))
    assert found is not None
    assert (found["kind"], found["ways"], found["charge"]) == ("unknown_outcome", ["send_again", "log"], "possible")
    assert "not cleared since" in found["message"]


def test_a_task_of_an_older_version_that_has_left_nothing_is_not_known() -> None:
    found = need(submit("failed"), {})
    assert found is not None
    assert (found["kind"], found["charge"]) == ("not_known", "possible")


def test_a_task_that_failed_before_it_had_a_record_says_itself_that_it_was_free() -> None:
    assert need(submit("failed", failure=FREE), {}) is None
    assert need(submit("failed", failure=CHARGED), {}) is not None


def test_a_task_that_has_begun_nothing_needs_nobody() -> None:
    task = submit("failed")
    empty = InstanceRecord(1, "", {})
    assert need(task, {instance_key(identity(task)): write_record(empty).decode()}) is None


def test_a_submission_whose_map_index_is_gone_is_still_seen() -> None:
    task = submit("removed", map_index=7)
    found = need_of(Chain(task), findings(task, variables(task, own=UNKNOWN, being_sent=UNKNOWN)), NOTHING_LANDED)
    assert found is not None
    assert found["map_index"] == 7
    assert need_of(Chain(submit("removed")), Findings(), NOTHING_LANDED) is None


@pytest.mark.parametrize(
    ("states", "task_id"),
    [
        (("success", "failed", "upstream_failed"), "wait"),
        (("success", "success", "failed"), "land"),
        (("success", "upstream_failed", "upstream_failed"), "wait"),
    ],
)
def test_what_is_paid_and_not_landed_names_the_task_to_clear(states: tuple[str, str, str], task_id: str) -> None:
    made = submit(states[0], "id-1"), sensor(states[1]), transfer(states[2])
    found = need_of(Chain(*made), Findings(), NOTHING_LANDED)
    assert found is not None
    assert (found["kind"], found["task_id"], found["rows"], found["estimated_cost"]) == (
        "not_landed",
        task_id,
        3000,
        "3.00",
    )
    assert found["ways"] == ["clear", "log"]
    assert "id-1" in found["message"]


def test_what_has_landed_in_the_same_run_needs_nobody() -> None:
    second = Chain(transfer=transfer("failed", failure={"ekyc_task_id": "id-1", "kind": "s3", "charge": "certain"}))
    first = Chain(submit("success", "id-1"), sensor("success", "id-1"), transfer("success", "id-1"))
    assert need_of(second, Findings(), NOTHING_LANDED) is not None
    assert need_of(second, Findings(), ekyc_task_ids_landed([first, second])) is None


def test_a_remote_task_that_has_failed_can_not_be_landed_by_a_clear() -> None:
    failed = sensor("failed", failure={"kind": "remote_task_failed", "charge": "possible", "message": "Given up."})
    found = need_of(Chain(submit("success", "id-1"), failed, transfer("upstream_failed")), Findings(), NOTHING_LANDED)
    assert found is not None
    assert (found["ways"], found["charge"]) == (["log"], "possible")


@pytest.mark.parametrize("state", [None, "queued", "running", "deferred", "up_for_retry", "up_for_reschedule"])
def test_nobody_is_needed_while_airflow_still_does_something(state: str | None) -> None:
    chain = Chain(submit("success", "id-1"), sensor("failed"), transfer(state))
    assert need_of(chain, Findings(), NOTHING_LANDED) is None
    assert need_of(Chain(submit(state), sensor("failed")), Findings(), NOTHING_LANDED) is None


@pytest.mark.parametrize("state", [None, "scheduled", "upstream_failed"])
def test_an_unknown_outcome_is_seen_whatever_the_tasks_after_it_are_at(state: str | None) -> None:
    task = submit("failed")
    found = need(task, variables(task, own=UNKNOWN, being_sent=UNKNOWN), sensor(state), transfer(state))
    assert found is not None
    assert found["kind"] == "unknown_outcome"


def test_an_unknown_outcome_is_seen_where_a_task_before_the_submission_fails_after_a_clear() -> None:
    task = submit("upstream_failed", failure=CHARGED)
    for records in ({"own": UNKNOWN, "being_sent": UNKNOWN}, {"own": REFUSED, "being_sent": SENT}):
        found = need(task, variables(task, **records))
        assert found is not None
        assert (found["kind"], found["ways"]) == ("unknown_outcome", ["adopt", "send_again", "log"])


def test_what_is_decided_or_settled_needs_nobody_where_a_task_before_it_fails_after_a_clear() -> None:
    again = submit("upstream_failed", failure=CHARGED)
    for records in ({"own": "send again", "being_sent": UNKNOWN}, {"own": REFUSED, "being_sent": REFUSED}):
        assert need(again, variables(again, **records)) is None


def test_a_submission_that_never_began_because_a_task_before_it_failed_needs_nobody() -> None:
    assert need(submit("upstream_failed"), {}) is None
    assert need(submit("upstream_failed", failure=FREE), {}) is None
    found = need(submit("upstream_failed", failure=CHARGED), {})
    assert found is not None
    assert found["kind"] == "not_known"


def test_what_was_skipped_on_purpose_needs_nobody() -> None:
    chain = Chain(submit("success", "id-1"), sensor("skipped"), transfer("skipped"))
    assert need_of(chain, Findings(), NOTHING_LANDED) is None


def test_in_a_region_of_a_run_a_record_may_be_of_a_loop_or_of_a_mapped_task() -> None:
    task = submit("failed", region="a" * 32, map_index=2)
    mapped, looped = identities_of(task)
    assert (mapped.iteration, mapped.map_index, looped.iteration, looped.map_index) == (None, 2, 2, -1)
    assert instance_key(looped).endswith("_instance_0")
    assert identities_of(submit("failed", map_index=2))[0].digest == mapped.digest


def test_records_that_were_read_before_can_not_be_written() -> None:
    task = submit("failed")
    values = variables(task, own=UNKNOWN)
    before = dict(values)
    given = GivenVariables(values, identity(task))
    with pytest.raises(TypeError, match=r"^These records are read only\.$"):
        given.write(NAME, b"made-up-id-1", replacing=given.read(NAME))
    assert values == before
