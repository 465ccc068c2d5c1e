"""May a submission be settled, and what is recorded then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.plugins.settle_decisions import (
    ENDED,
    STILL_SENDING,
    clear_body,
    doubts_of,
    open_intent,
    receipt_of,
    repeat_cost,
    require_confirmed_repeat,
    require_ended,
    require_no_doubts,
    require_seen_send,
)
from airflow_provider_ekyc.plugins.settle_request import SettleRefused, SettleRequest
from airflow_provider_ekyc.plugins.settle_task import TaskInstanceState
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Intent, IntentState, Receipt, Submission
from airflow_provider_ekyc.submission.record_format import read_record, write_record
from airflow_provider_ekyc.submission.spending import Estimate

SENT = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
INTENT = Intent(
    started_at=SENT.isoformat(),
    try_number=1,
    map_index=-1,
    rows=3000,
    fingerprint="f" * 64,
    nonce="0123456789abcdef",
    state=IntentState.UNKNOWN,
    balance=12.5,
    possible_ids=("made-up-id-1", "made-up-id-2"),
    possibly_charged=1,
)
REMOTE = Task("made-up-id-1", TaskStatus.PROCESSING, "processing", total=3000, created_at=SENT + timedelta(seconds=20))
REQUEST = SettleRequest("daily", "run", "submit", -1, "0123456789abcdef", None, confirmed=False)
ESTIMATE = Estimate("amazon", 3000, Decimal("0.001"))


@pytest.mark.parametrize("state", [IntentState.UNKNOWN, IntentState.SENDING])
def test_what_was_sent_without_an_answer_is_open(state: IntentState) -> None:
    intent = replace(INTENT, state=state)
    assert open_intent(intent, "record") is intent


@pytest.mark.parametrize(
    ("found", "clear"),
    [
        (None, False),
        (Receipt("made-up-id-1"), True),
        (SENT_AGAIN_BY_HAND, True),
        (replace(INTENT, state=IntentState.NOT_ACCEPTED), True),
    ],
)
def test_what_is_not_open_is_not_settled(found: Receipt | Intent | None, clear: bool) -> None:
    with pytest.raises(SettleRefused) as refused:
        open_intent(found, "s3://bucket/record.json")
    assert (refused.value.status, refused.value.clear, refused.value.confirm) == (409, clear, False)
    assert "s3://bucket/record.json" in refused.value.detail
    assert "made-up-id-1" not in refused.value.detail


def instance(state: str | None, ended: datetime | None = SENT) -> list[TaskInstanceState]:
    return [TaskInstanceState(-1, state, ended)]


@pytest.mark.parametrize("sends_again", [True, False])
@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_task_at_its_end_is_settled(state: str, sends_again: bool) -> None:
    require_ended(instance(state), INTENT, sends_again=sends_again, now=SENT)


@pytest.mark.parametrize("sends_again", [True, False])
@pytest.mark.parametrize(
    "state",
    [None, "scheduled", "queued", "running", "restarting", "deferred", "up_for_reschedule", "up_for_retry", "new"],
)
def test_a_task_that_may_go_on_is_not_settled(state: str | None, sends_again: bool) -> None:
    with pytest.raises(SettleRefused) as refused:
        require_ended(instance(state), INTENT, sends_again=sends_again, now=SENT)
    assert (refused.value.status, refused.value.confirm) == (409, False)


def test_of_two_map_indexes_both_must_be_at_their_end() -> None:
    instances = [*instance("failed"), TaskInstanceState(4, "running", None)]
    with pytest.raises(SettleRefused):
        require_ended(instances, INTENT, sends_again=False, now=SENT)


def test_what_a_process_may_still_be_sending_is_not_sent_again_at_once() -> None:
    sending = replace(INTENT, state=IntentState.SENDING)
    with pytest.raises(SettleRefused, match=r"after 06:02:00 UTC"):
        require_ended(instance("failed"), sending, sends_again=True, now=SENT + STILL_SENDING - timedelta(seconds=1))
    require_ended(instance("failed"), sending, sends_again=True, now=SENT + STILL_SENDING)
    require_ended(instance("failed"), sending, sends_again=False, now=SENT)
    require_ended(instance("failed", None), sending, sends_again=True, now=SENT)


@pytest.mark.parametrize(
    "sent_at", [None, INTENT.started_at, "2026-11-26T06:00:00Z", "2026-11-26T07:00:00+01:00", "2026-11-26T06:00:01Z"]
)
def test_the_send_that_was_seen_may_be_repeated(sent_at: str | None) -> None:
    require_seen_send(replace(REQUEST, sent_at=sent_at), INTENT)


@pytest.mark.parametrize("sent_at", ["2026-11-26T05:59:59.999+00:00", "2026-11-26T06:30:00+01:00"])
def test_a_later_send_than_the_one_that_was_seen_is_not_repeated(sent_at: str) -> None:
    with pytest.raises(SettleRefused, match="sent once more since you looked") as refused:
        require_seen_send(replace(REQUEST, sent_at=sent_at), INTENT)
    assert (refused.value.status, refused.value.confirm, refused.value.clear) == (409, False, False)


def test_a_record_without_a_readable_time_may_be_sent_again() -> None:
    require_seen_send(replace(REQUEST, sent_at="2026-11-26T05:00:00Z"), replace(INTENT, started_at="made up"))


def test_sending_again_is_asked_about_with_its_cost() -> None:
    with pytest.raises(SettleRefused, match=r"Estimated cost of sending it again: 3\.00\.") as refused:
        require_confirmed_repeat(REQUEST, INTENT, ESTIMATE)
    assert (refused.value.status, refused.value.confirm) == (409, True)
    require_confirmed_repeat(replace(REQUEST, confirmed=True), INTENT, ESTIMATE)


def test_an_unknown_price_is_not_free() -> None:
    assert "is not known" in repeat_cost(INTENT, Estimate("amazon", 3000, None))
    assert "charged 3 times already" in repeat_cost(replace(INTENT, possibly_charged=3), ESTIMATE)


def test_the_remote_task_of_the_list_raises_no_doubt() -> None:
    assert doubts_of(INTENT, REMOTE) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"total": 3001}, "3,001 numbers, and this list has 3,000: it is another list's."),
        ({"total": 2999}, "the API leaves some out at times"),
        ({"created_at": SENT - timedelta(hours=2)}, "before this list was sent"),
        ({"created_at": SENT + timedelta(hours=25)}, "long after this list was sent"),
        ({"status": TaskStatus.FAILED}, "It has failed"),
    ],
)
def test_what_speaks_against_it_is_said_and_has_to_be_confirmed(changes: dict[str, object], words: str) -> None:
    (doubt,) = doubts_of(INTENT, replace(REMOTE, **changes))  # type: ignore[arg-type]  # of the fields named above
    assert words in doubt
    with pytest.raises(SettleRefused) as refused:
        require_no_doubts(REQUEST, [doubt])
    assert (refused.value.status, refused.value.confirm) == (409, True)
    assert doubt in refused.value.detail
    require_no_doubts(replace(REQUEST, confirmed=True), [doubt])


@pytest.mark.parametrize(
    "changes",
    [
        {"total": None},
        {"total": 0},
        {"created_at": None},
        {"created_at": SENT - timedelta(minutes=59)},
        {"status": TaskStatus.UNKNOWN},
    ],
)
def test_what_is_not_known_yet_raises_no_doubt(changes: dict[str, object]) -> None:
    assert doubts_of(INTENT, replace(REMOTE, **changes)) == []  # type: ignore[arg-type]  # of the fields named above


def test_of_several_sends_an_earlier_one_may_be_adopted() -> None:
    earlier = replace(REMOTE, created_at=SENT - timedelta(hours=5))
    assert doubts_of(replace(INTENT, possibly_charged=2), earlier) == []


def test_a_record_without_a_readable_time_raises_no_doubt_about_it() -> None:
    assert doubts_of(replace(INTENT, started_at="at night"), REMOTE) == []


def test_the_receipt_has_what_the_submissions_xcom_needs() -> None:
    receipt = receipt_of(INTENT, REMOTE, "made-up-id-1", task_type="amazon", price=Decimal("0.001"))
    assert receipt.submission == {
        "fingerprint": "f" * 64,
        "rows": 3000,
        "total": 3000,
        "submitted_at": "2026-11-26T06:00:20+00:00",
        "price": "0.001",
        "estimated_cost": "3",
        "balance_before": "12.5",
        "task_type": "amazon",
    }
    assert receipt.possible_ids == ("made-up-id-2",)
    assert set(receipt.submission) <= set(Submission.__dataclass_fields__)
    assert read_record(write_record(receipt), "record") == receipt


def test_what_is_not_known_is_left_to_the_try_that_reads_the_receipt() -> None:
    pending = replace(REMOTE, total=0, created_at=None)
    receipt = receipt_of(replace(INTENT, balance=None), pending, "made-up-id-9", task_type=None, price=None)
    assert "task_type" not in receipt.submission
    assert [receipt.submission[name] for name in ("total", "price", "estimated_cost", "balance_before")] == [None] * 4
    assert receipt.submission["submitted_at"] == INTENT.started_at


@pytest.mark.parametrize(("map_index", "selected"), [(-1, "submit"), (0, ["submit", 0]), (7, ["submit", 7])])
def test_the_clear_is_of_this_task_and_of_what_failed_after_it(map_index: int, selected: object) -> None:
    body = clear_body(replace(REQUEST, map_index=map_index))
    assert body["task_ids"] == [selected]
    assert (body["only_failed"], body["include_downstream"], body["dry_run"]) == (True, True, False)


def test_an_iteration_of_a_loop_is_cleared_by_its_id() -> None:
    body = clear_body(replace(REQUEST, map_index=1), "01a216d8-fddd-7db9-b54f-4fa70371a28f")
    assert body["task_instance_ids"] == ["01a216d8-fddd-7db9-b54f-4fa70371a28f"]
    assert "task_ids" not in body
