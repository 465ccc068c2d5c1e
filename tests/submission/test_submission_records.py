"""The records of one submission, step by step, and who may write which (``submission/journal.py``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import OPEN, RECEIPT, Journal, SubmissionRecords
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Begun, Intent, IntentState, Receipt, SendAgain
from airflow_provider_ekyc.submission.record_format import write_record
from airflow_provider_ekyc.submission.settle_steps import settle_steps
from airflow_provider_ekyc.submission.stores import open_stores
from airflow_provider_ekyc.submission.variable_store import VariableStore
from dev.testing.variables import Variables
from tests.submission.in_memory import OTHER, SCOPE, TASK, intent, journal_of, leave

STORE = VariableStore(TASK)
OWN, SENDING, ACCEPTED = SCOPE.name, OPEN + SCOPE.name, SCOPE.name + RECEIPT
IDLE, BEING_SENT = intent(state=IntentState.NOT_ACCEPTED), intent(state=IntentState.SENDING)
ID = Receipt("made-up-id", {"rows": 150})
SEND_AGAIN = b"send again"


def write(**records: bytes | Intent | Receipt | SendAgain) -> None:
    """Write records as they are: ``own``, ``open`` and ``receipt``."""
    names = {"own": OWN, "open": SENDING, "receipt": ACCEPTED}
    for name, record in records.items():
        body = record if isinstance(record, bytes) else write_record(record)
        assert STORE.write(names[name], body, replacing=STORE.read(names[name]))


def records(task: TaskIdentity = TASK) -> SubmissionRecords:
    """The records as a try has them that has just read them."""
    found = journal_of(task).submission(SCOPE.name)
    found.find()
    return found


def held(name: str) -> Intent | Receipt | None:
    """What one record holds."""
    body = STORE.read(name)
    if body is None:
        return None
    return next(each for each in (IDLE, intent(), BEING_SENT, ID) if write_record(each) == body)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, None),
        ({"own": IDLE}, IDLE),
        ({"own": intent()}, intent()),
        ({"open": BEING_SENT}, BEING_SENT),
        ({"own": IDLE, "open": BEING_SENT}, BEING_SENT),
        ({"own": IDLE, "open": intent()}, intent()),
        ({"own": intent(rows=151), "open": IDLE}, intent(rows=151)),
        ({"receipt": ID}, ID),
        ({"own": IDLE, "open": BEING_SENT, "receipt": ID}, ID),
        ({"own": b"made-up-id", "open": intent()}, Receipt("made-up-id")),
        ({"own": SEND_AGAIN, "open": intent()}, SENT_AGAIN_BY_HAND),
        ({"own": SEND_AGAIN, "receipt": ID}, ID),
        ({"receipt": SEND_AGAIN, "own": b"made-up-id"}, SENT_AGAIN_BY_HAND),
        ({"receipt": IDLE, "own": IDLE, "open": intent()}, intent()),
        ({"own": SendAgain("made-up-nonce", "then"), "open": intent()}, SENT_AGAIN_BY_HAND),
        ({"own": SendAgain("another", "then"), "open": intent()}, intent()),
        ({"own": SendAgain("made-up-nonce", "then"), "open": IDLE}, IDLE),
        ({"own": SendAgain("made-up-nonce", "then"), "open": intent(), "receipt": ID}, ID),
    ],
)
def test_what_counts_of_three_records(
    given: dict[str, bytes | Intent | Receipt | SendAgain], found: object, variables: Variables
) -> None:
    write(**given)
    assert journal_of().submission(SCOPE.name).find() == found


@pytest.mark.parametrize("own", [IDLE, intent()])
def test_the_sends_since_the_last_clear_are_counted_in_both_records(own: Intent) -> None:
    for sends, max_tries, counted in ((3, 2, 3), (1, 2, 2), (3, 4, 2)):
        write(own=replace(own, sends=2), open=replace(IDLE, sends=sends, max_tries=max_tries))
        assert records().find() == replace(own, sends=counted)


@pytest.mark.parametrize(
    "given",
    [{"own": SendAgain("made-up-nonce", "then")}, {"receipt": IDLE}],
    ids=["a decision without its send", "a send again that is gone"],
)
def test_a_record_that_is_not_whole_is_unreadable(given: dict[str, Intent | SendAgain]) -> None:
    write(**given)
    with pytest.raises(EkycJournalError, match="can't be read, so it is not known") as failed:
        journal_of().submission(SCOPE.name).find()
    assert failed.value.steps == settle_steps(STORE.address(OWN))


@pytest.mark.parametrize(("name", "entry"), [("own", OWN), ("open", SENDING), ("receipt", ACCEPTED)])
def test_a_record_that_can_not_be_read_names_itself(name: str, entry: str) -> None:
    write(own=IDLE, open=IDLE)
    write(**{name: b"{"})
    with pytest.raises(EkycJournalError) as failed:
        journal_of().submission(SCOPE.name).find()
    assert failed.value.message.startswith(f"The record {STORE.address(entry)} can't be read")


def test_begin_writes_the_own_record_and_what_the_task_has_begun() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    assert (held(OWN), held(SENDING), held(ACCEPTED)) == (IDLE, None, None)
    address = STORE.address(OWN)
    assert one.address == address
    assert one.store_kind == "variables"
    one.begin(SCOPE, IDLE, by_hand=False)
    assert journal_of().begun == {OWN: Begun(SCOPE.fingerprint, SCOPE.api, SCOPE.account, address)}


def test_begin_leaves_what_is_open_unless_a_person_asked_for_it() -> None:
    write(own=IDLE, open=intent(), receipt=SEND_AGAIN)
    records().begin(SCOPE, IDLE, by_hand=False)
    assert (held(SENDING), STORE.read(ACCEPTED)) == (intent(), SEND_AGAIN)
    records().begin(SCOPE, IDLE, by_hand=True)
    assert (held(OWN), held(SENDING), held(ACCEPTED)) == (IDLE, IDLE, IDLE)


def test_begin_by_hand_makes_no_record_that_was_not_there() -> None:
    write(own=SEND_AGAIN)
    records().begin(SCOPE, IDLE, by_hand=True)
    assert (held(OWN), held(SENDING), held(ACCEPTED)) == (IDLE, None, None)


def stopped(step: Callable[[], object]) -> None:
    with pytest.raises(EkycInProgressError) as failed:
        step()
    assert failed.value.message == (
        f"The record of this list, {STORE.address(OWN)}, was changed meanwhile: another try is submitting it, or a "
        f"person has settled it. Nothing was sent. A retry reads the record again."
    )


def test_begin_stops_at_a_record_that_another_has_changed() -> None:
    one = records()
    write(own=IDLE)
    stopped(lambda: one.begin(SCOPE, IDLE, by_hand=False))
    assert journal_of().begun == {}


def test_begin_stops_where_a_later_try_has_started() -> None:
    one = records()
    journal_of(replace(TASK, try_number=2))
    with pytest.raises(EkycInProgressError, match="Another try of this task is running"):
        one.begin(SCOPE, IDLE, by_hand=False)
    assert held(OWN) is None


def test_announce_writes_what_is_being_sent_unless_another_sends_it() -> None:
    one, other = records(), records()
    one.announce(BEING_SENT)
    assert (held(OWN), held(SENDING)) == (None, BEING_SENT)
    stopped(lambda: other.announce(BEING_SENT))
    one.announce(intent())
    assert held(SENDING) == intent()


def test_an_unknown_outcome_is_noted_in_both_records() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    one.note(intent())
    assert (held(OWN), held(SENDING)) == (intent(), intent())
    one.require_current()
    one.announce(BEING_SENT)


def test_a_refusal_is_noted_where_it_was_announced_alone() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    refused = replace(IDLE, sends=2)
    one.note(refused)
    assert held(OWN) == IDLE
    assert STORE.read(SENDING) == write_record(refused)
    one.announce(BEING_SENT)


def test_an_unknown_outcome_does_not_hide_what_a_person_wrote() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    write(own=b"made-up-id")
    one.note(intent())
    assert (STORE.read(OWN), held(SENDING)) == (b"made-up-id", intent())
    stopped(one.require_current)


@pytest.mark.parametrize(
    ("others", "noted", "is_written"),
    [
        (replace(BEING_SENT, nonce="another"), IDLE, False),
        (replace(BEING_SENT, nonce="another"), intent(), True),
        (replace(BEING_SENT, sends=7), IDLE, True),
        (b"made-up-id", IDLE, True),
    ],
    ids=["a refusal of another's send", "an unknown outcome", "its own send", "what a person wrote"],
)
def test_an_outcome_is_noted_over_what_was_written_meanwhile_but_no_refusal_over_another_send(
    others: bytes | Intent, noted: Intent, is_written: bool
) -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    write(open=others)
    before = STORE.read(SENDING)
    one.note(noted)
    assert STORE.read(SENDING) == (write_record(noted) if is_written else before)


def test_a_record_that_was_deleted_meanwhile_is_noted_anew(variables: Variables) -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    variables.delete(STORE.key(SENDING))
    one.note(intent())
    assert held(SENDING) == intent()


def test_a_try_that_is_the_latest_and_whose_record_is_as_it_wrote_it_is_current() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    one.announce(BEING_SENT)
    one.require_current()
    write(own=intent())
    stopped(one.require_current)


def test_a_try_that_is_not_the_latest_is_not_current() -> None:
    one = records()
    one.begin(SCOPE, IDLE, by_hand=False)
    journal_of(replace(TASK, try_number=2))
    with pytest.raises(EkycInProgressError, match="Another try of this task is running"):
        one.require_current()


@pytest.mark.parametrize("before", [None, IDLE, SEND_AGAIN, ID], ids=["nothing", "an intent", "words", "the same"])
def test_a_receipt_replaces_all_but_another_receipt(before: bytes | Intent | Receipt | None) -> None:
    one = records()
    if before is not None:
        write(receipt=before)
    one.complete(ID)
    assert held(ACCEPTED) == ID


def test_a_receipt_of_the_same_task_stays_as_it_is() -> None:
    write(receipt=b"made-up-id")
    records().complete(ID)
    assert STORE.read(ACCEPTED) == b"made-up-id"


def test_two_receipts_of_one_list_are_an_error() -> None:
    write(receipt=ID)
    with pytest.raises(EkycJournalError) as failed:
        records().complete(Receipt("made-up-other-id"))
    assert failed.value.message == (
        f"{STORE.address(ACCEPTED)} already names another remote task, made-up-id. Both may be charged."
    )
    assert held(ACCEPTED) == ID


def test_a_receipt_that_is_deleted_meanwhile_is_written(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
    write(receipt=Receipt("made-up-other-id"))
    one = records()
    get = variables.get

    def get_and_delete(key: str, *default: object) -> object:
        found = get(key, *default)
        monkeypatch.setattr(variables, "get", get)
        variables.delete(key)
        return found

    monkeypatch.setattr(variables, "get", get_and_delete)
    one.complete(ID)
    assert held(ACCEPTED) == ID


@pytest.mark.parametrize(("name", "entry"), [("receipt", ACCEPTED), ("open", SENDING)])
def test_what_can_not_be_read_when_it_is_replaced_names_itself(name: str, entry: str) -> None:
    one = records()
    write(**{name: b"{"})
    step = partial(one.complete, ID) if name == "receipt" else partial(one.note, IDLE)
    with pytest.raises(EkycJournalError) as failed:
        step()
    assert failed.value.message.startswith(f"The record {STORE.address(entry)} can't be read")


def test_an_accepted_list_is_known_by_its_receipt_alone() -> None:
    one = journal_of().submission(SCOPE.name)
    assert not one.is_accepted()
    write(own=b"made-up-id", open=intent())
    assert not one.is_accepted()
    for record, accepted in ((SEND_AGAIN, False), (IDLE, False), (ID, True)):
        write(receipt=record)
        assert one.is_accepted() is accepted
    write(receipt=b"{")
    with pytest.raises(EkycJournalError, match=STORE.address(ACCEPTED)):
        one.is_accepted()


def test_what_a_person_can_do_names_the_record() -> None:
    own, receipt = STORE.address(OWN), STORE.address(ACCEPTED)
    one = records()
    assert one.settle_instructions() == (
        f"Look for the remote task in the vendor's console. Found: write its id into {own}. Not found: write 'send "
        f"again' there. Then clear this task"
    )
    words = "start a new run, or write 'send again' into {} and clear this task"
    assert one.resubmit_instructions() == words.format(own)
    write(receipt=ID)
    assert records().resubmit_instructions() == words.format(receipt)


def schema_1(kept: dict[str, object], name: str = "made-up-name") -> SubmissionRecords:
    stores = open_stores(TASK, uri=None, aws_conn_id=None, connection_uri=None, state_store=kept)
    journal = Journal(TASK, stores)
    journal.start_try()
    return journal.submission(SCOPE.name, name)


INTENT_1 = {"started_at": "then", "try_number": 1, "rows": 150, "fingerprint": "f", "balance": None}


def test_what_schema_1_recorded_is_found_under_its_own_name() -> None:
    kept: dict[str, object] = {"ekyc-intent-made-up-name": INTENT_1}
    found = schema_1(kept).find()
    assert isinstance(found, Intent)
    assert found.state is IntentState.UNKNOWN
    kept["ekyc-receipt-made-up-name"] = {"ekyc_task_id": "made-up-id"}
    assert schema_1(kept).find() == Receipt("made-up-id")
    assert schema_1(kept, "another-name").find() is None
    assert schema_1(kept, "").find() is None
    write(own=IDLE)
    assert schema_1(kept).find() == IDLE


def test_a_record_of_schema_1_that_can_not_be_read_names_itself() -> None:
    with pytest.raises(EkycJournalError) as failed:
        schema_1({"ekyc-receipt-made-up-name": {"record": "made up"}}).find()
    address = "ekyc-receipt-made-up-name in this task's Task State Store"
    assert failed.value.message.startswith(f"The record {address} can't be read")


class AwayStateStore(dict[str, object]):
    """A task state store that can't be read."""

    def get(self, key: object, default: object = None) -> object:
        raise ConnectionError("made up")


def test_without_its_name_of_schema_1_nothing_of_it_is_read() -> None:
    stores = open_stores(TASK, uri=None, aws_conn_id=None, connection_uri=None, state_store=AwayStateStore())
    journal = Journal(TASK, stores)
    assert journal.submission(SCOPE.name).find() is None
    with pytest.raises(EkycJournalError, match="task state store can't be read"):
        journal.submission(SCOPE.name, "made-up-name").find()


def test_a_decision_is_no_record_of_schema_1() -> None:
    decision = json.loads(write_record(SendAgain("made-up-nonce", "then")))
    with pytest.raises(EkycJournalError) as failed:
        schema_1({"ekyc-intent-made-up-name": decision}).find()
    assert failed.value.steps == settle_steps("ekyc-intent-made-up-name in this task's Task State Store")


def test_a_list_is_recorded_in_the_first_store_and_found_in_each(tmp_path: Path) -> None:
    def opened(uri: str | None) -> Journal:
        stores = open_stores(TASK, uri=uri, aws_conn_id=None, connection_uri=None, state_store=None)
        journal = Journal(TASK, stores)
        journal.start_try()
        return journal

    new = opened(str(tmp_path)).submission(SCOPE.name)
    assert new.find() is None
    assert new.store_kind == "directory"
    leave(intent())
    found = opened(str(tmp_path)).submission(SCOPE.name)
    assert found.find() == intent()
    assert (found.store_kind, found.address) == ("variables", STORE.address(OWN))
    found.note(IDLE)
    assert held(SENDING) == IDLE
    assert not list(tmp_path.rglob("*.json"))


MAPPED = replace(TASK, map_index=1, run_started=datetime(2026, 1, 3, tzinfo=UTC))


def elsewhere(record: Intent | Receipt, task: TaskIdentity = MAPPED) -> list[tuple[str, Intent]]:
    """What map index 1 finds, of which map index 7 has left the other list."""
    leave(record, OTHER, replace(TASK, map_index=7))
    found = list(journal_of(task).unknown_elsewhere(SCOPE.name))
    assert all(each.name == OTHER.name for each, _ in found)
    return [(each.address, left) for each, left in found]


THE_OTHER = STORE.address(OTHER.name)


@pytest.mark.parametrize("state", [IntentState.SENDING, IntentState.UNKNOWN])
def test_another_map_index_with_an_open_list_of_before_the_clear_is_found(state: IntentState) -> None:
    left = intent(OTHER, state, map_index=7)
    assert elsewhere(left) == [(THE_OTHER, left)]


@pytest.mark.parametrize(
    "record",
    [
        intent(OTHER, IntentState.NOT_ACCEPTED),
        intent(OTHER, started_at="2026-01-03T00:00:00+00:00"),
        Receipt("made-up-id"),
    ],
    ids=["refused", "since the clear", "accepted"],
)
def test_a_list_that_is_settled_or_of_this_run_is_not(record: Intent | Receipt) -> None:
    assert elsewhere(record) == []


@pytest.mark.parametrize(
    ("state", "is_first", "found"),
    [
        (IntentState.UNKNOWN, False, True),
        (IntentState.UNKNOWN, True, False),
        (IntentState.SENDING, False, False),
    ],
)
def test_where_the_start_of_the_run_is_not_known_a_list_is_found_by_a_later_try(
    state: IntentState, is_first: bool, found: bool
) -> None:
    if not is_first:
        journal_of(MAPPED)
    assert bool(elsewhere(intent(OTHER, state), replace(MAPPED, run_started=None))) is found


def test_after_a_clear_of_a_running_run_an_index_that_began_another_list_finds_an_unknown_one() -> None:
    """Airflow leaves the start of a running run as it is."""
    leave(Receipt("made-up-id"), replace(SCOPE, fingerprint="7" * 64), replace(TASK, map_index=1))
    since = "2026-01-03T00:00:00+00:00"
    assert elsewhere(intent(OTHER, IntentState.SENDING, started_at=since)) == []
    left = intent(OTHER, IntentState.UNKNOWN, started_at=since)
    leave(left, OTHER, replace(TASK, map_index=8))
    assert [each for _, each in journal_of(MAPPED).unknown_elsewhere(SCOPE.name)] == [left]


@pytest.mark.parametrize(
    ("before", "now", "found"), [(0, 1, True), (1, 3, True), (1, 1, False), (None, 1, False), (0, None, False)]
)
def test_airflows_count_of_clears_shows_a_clear_of_a_running_run(
    before: int | None, now: int | None, found: bool
) -> None:
    """Also to a map index that the changed list has added. What is being sent may be a try that was not cleared."""
    since = {"started_at": "2026-01-03T00:00:00+00:00", "clear_number": before}
    task = replace(MAPPED, map_index=9, clear_number=now)
    assert elsewhere(intent(OTHER, IntentState.SENDING, **since), task) == []
    left = intent(OTHER, IntentState.UNKNOWN, **since)
    leave(left, OTHER, replace(TASK, map_index=8))
    assert [each for _, each in journal_of(task).unknown_elsewhere(SCOPE.name)] == ([left] if found else [])


@pytest.mark.parametrize(
    ("before", "now", "found"), [(0, 0, False), (2, 2, False), (0, 1, True), (None, 0, True), (None, None, True)]
)
def test_the_slow_clock_of_a_worker_is_no_clear(before: int | None, now: int | None, found: bool) -> None:
    left = intent(OTHER, IntentState.SENDING, started_at="2026-01-02T23:59:59+00:00", clear_number=before)
    assert elsewhere(left, replace(MAPPED, clear_number=now)) == ([(THE_OTHER, left)] if found else [])


def test_what_the_same_map_index_has_begun_and_the_list_itself_are_left_out() -> None:
    left = intent(OTHER)
    leave(left, OTHER, replace(TASK, map_index=1))
    assert list(journal_of(MAPPED).unknown_elsewhere(SCOPE.name)) == []
    assert [each for _, each in journal_of(replace(MAPPED, map_index=2)).unknown_elsewhere(SCOPE.name)] == [left]
    assert list(journal_of(replace(MAPPED, map_index=2)).unknown_elsewhere(OTHER.name)) == []


def test_of_several_lists_each_unknown_one_is_found() -> None:
    lists = [replace(SCOPE, fingerprint=digit * 64) for digit in "01234"]
    leave(Receipt("made-up-id"), lists[0], replace(TASK, map_index=7))
    for scope, state in zip(lists[1:], ("not_taken", "unknown", "not_taken", "sending"), strict=True):
        leave(intent(scope, IntentState(state)), scope, replace(TASK, map_index=7))
    found = journal_of(MAPPED).unknown_elsewhere(SCOPE.name)
    assert {each.fingerprint for _, each in found} == {lists[2].fingerprint, lists[4].fingerprint}


def test_where_records_can_not_be_listed_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VariableStore, "names", lambda self, prefix: None)
    assert elsewhere(intent(OTHER)) == []
