"""What a person's decision reads and writes, record by record, in memory (``submission/settlement.py``)."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.submission.journal import RECEIPT
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Intent, IntentState, Receipt, Scope, SendAgain
from airflow_provider_ekyc.submission.record_format import write_record
from airflow_provider_ekyc.submission.settlement import Change, Settlement
from airflow_provider_ekyc.submission.stores import open_stores
from airflow_provider_ekyc.submission.variable_store import VariableStore
from dev.testing.variables import Variables
from tests.submission.in_memory import OTHER, SCOPE, TASK, intent, journal_of, leave

DECIDED = "2026-11-26T08:00:00+00:00"
STORE = VariableStore(TASK)
ID = "made-up-id"


def settlement(scope: Scope = SCOPE, state_store: object = None) -> Settlement:
    stores = open_stores(TASK, uri=None, aws_conn_id=None, connection_uri=None, state_store=state_store)
    return Settlement(TASK, stores, scope.name)


def found() -> Settlement:
    """Open the records and read them, as the page does."""
    opened = settlement()
    assert isinstance(opened.find(), Intent)
    return opened


def test_a_change_is_written_where_it_says_if_nothing_else_was() -> None:
    first = Change(STORE, SCOPE.name, b"made up", None)
    assert first.address == STORE.address(SCOPE.name)
    assert first.write()
    assert STORE.read(SCOPE.name) == b"made up"
    assert not Change(STORE, SCOPE.name, b"another", None).write()
    assert not Change(STORE, SCOPE.name, b"another", b"not that").write()
    assert Change(STORE, SCOPE.name, b"another", b"made up").write()
    assert STORE.read(SCOPE.name) == b"another"


def test_an_adoption_is_the_receipt_and_replaces_nothing() -> None:
    leave(intent())
    receipt = Receipt(ID, {"total": 149, "submitted_at": DECIDED})
    change = found().adoption(receipt)
    assert change.address == STORE.address(SCOPE.name + RECEIPT)
    assert (change.body, change.replacing) == (write_record(receipt), None)
    assert change.write()
    assert settlement().find() == receipt


def test_an_adoption_replaces_what_a_receipt_held_that_was_sent_again() -> None:
    """The words ``send again`` in a receipt are followed by an intent there, and that send may be unknown as well."""
    leave(Receipt("made-up-first-id"))
    receipt = STORE.read(SCOPE.name + RECEIPT)
    assert STORE.write(SCOPE.name + RECEIPT, b"send again", replacing=receipt)
    records = journal_of().submission(SCOPE.name)
    assert records.find() is SENT_AGAIN_BY_HAND
    records.begin(SCOPE, intent(state=IntentState.NOT_ACCEPTED), by_hand=True)
    records.announce(intent())
    change = found().adoption(Receipt(ID))
    assert change.replacing == write_record(intent(state=IntentState.NOT_ACCEPTED))
    assert change.write()
    assert settlement().find() == Receipt(ID)


def test_a_decision_to_send_again_names_the_send_and_replaces_the_own_record() -> None:
    leave(intent())
    change = found().sending_again(intent(), DECIDED)
    assert change.address == STORE.address(SCOPE.name)
    assert change.body == write_record(SendAgain("made-up-nonce", DECIDED))
    assert change.replacing == write_record(intent())
    assert change.write()
    assert settlement().find() is SENT_AGAIN_BY_HAND


class NoStateStore(dict[str, object]):
    """A task state store that can't be read, as there is none where no task runs."""

    def get(self, key: object, default: object = None) -> object:
        raise ConnectionError("made up")


def test_what_schema_1_recorded_is_not_looked_for() -> None:
    assert settlement(state_store=NoStateStore()).find() is None


def test_the_list_that_has_a_remote_id_is_found_by_its_receipt() -> None:
    leave(Receipt("made-up-other-id"), OTHER)
    leave(Receipt(ID), SCOPE)
    assert settlement().other_list_of("made-up-other-id") == STORE.address(OTHER.name + RECEIPT)
    assert settlement(OTHER).other_list_of(ID) == STORE.address(SCOPE.name + RECEIPT)
    assert settlement().other_list_of(ID) is None, "its own"
    assert settlement().other_list_of("made-up-third-id") is None


def test_the_list_that_has_a_remote_id_is_found_by_what_a_person_wrote() -> None:
    leave(intent(OTHER), OTHER)
    leave(intent(), SCOPE)
    before = STORE.read(OTHER.name)
    assert settlement().other_list_of(ID) is None
    assert STORE.write(OTHER.name, b"{ not to be read", replacing=before)
    assert settlement().other_list_of(ID) is None
    assert STORE.write(OTHER.name, ID.encode(), replacing=b"{ not to be read")
    assert settlement().other_list_of(ID) == STORE.address(OTHER.name)


def test_of_several_lists_the_one_with_the_id_is_found() -> None:
    scopes = [Scope("https://api.example", "made-up-account", digit * 64, "") for digit in "0123"]
    for scope in scopes:
        leave(Receipt(f"{ID}-{scope.fingerprint[0]}"), scope)
    leave(intent(), SCOPE)
    for scope in scopes:
        assert settlement().other_list_of(f"{ID}-{scope.fingerprint[0]}") == STORE.address(scope.name + RECEIPT)


def test_a_record_that_is_deleted_meanwhile_names_no_list(
    variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(Receipt(ID), OTHER)
    keys = variables.keys()
    variables.delete_all()
    monkeypatch.setattr(variables, "keys", lambda prefix=None: [key for key in keys if key.startswith(prefix or "")])
    assert settlement().other_list_of(ID) is None


def test_where_records_can_not_be_listed_no_list_is_found(
    variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(Receipt(ID), OTHER)
    monkeypatch.setattr(VariableStore, "names", lambda self, prefix: None)
    assert settlement().other_list_of(ID) is None
