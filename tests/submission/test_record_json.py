"""Each field of a record is written and read back, and what is missing is the safe value (``record_format.py``)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.record import (
    SENT_AGAIN_BY_HAND,
    Begun,
    InstanceRecord,
    Intent,
    IntentState,
    Pointer,
    Receipt,
    SendAgain,
)
from airflow_provider_ekyc.submission.record_format import (
    SCHEMA,
    has_known_schema,
    read_instance,
    read_json,
    read_record,
    write_record,
)
from airflow_provider_ekyc.submission.settle_steps import after_send, receipt_steps, settle_steps

ADDRESS = "Airflow Variable ekyc_submission_0123456789abcdef_0123456789abcdef"
INTENT = Intent(
    started_at="2026-01-02T03:04:05.678+00:00",
    try_number=2,
    map_index=7,
    rows=150,
    fingerprint="f" * 64,
    nonce="made-up-nonce",
    state=IntentState.UNKNOWN,
    sends=3,
    max_tries=4,
    balance=12.5,
    possible_ids=("made-up-1", "made-up-2"),
    possibly_charged=5,
    clear_number=6,
)
RECEIPT = Receipt("made-up-id", {"rows": 150, "total": 149, "task_type": "amazon"}, ("made-up-1",))


def stored(record: Any, **changes: Any) -> bytes:
    """A record as JSON; a field that is changed to ``...`` is left out."""
    value = {**json.loads(write_record(record)), **changes}
    return json.dumps({name: each for name, each in value.items() if each is not ...}).encode()


@pytest.mark.parametrize(
    "record",
    [
        INTENT,
        replace(INTENT, balance=None, possible_ids=(), map_index=-1, clear_number=None),
        replace(INTENT, balance=0.0),
        replace(INTENT, state=IntentState.NOT_ACCEPTED, possibly_charged=0),
        RECEIPT,
        SendAgain("made-up-nonce", "2026-01-02T03:04:05+00:00"),
    ],
)
def test_what_is_written_is_read(record: Any) -> None:
    assert read_record(write_record(record), ADDRESS) == record


def test_what_an_instance_has_begun_is_read() -> None:
    begun = {"0123456789abcdef": Begun("f" * 64, "https://api.example", "made-up-account", ADDRESS)}
    record = InstanceRecord(3, "2026-01-02T03:04:05+00:00", begun)
    assert read_instance(write_record(record), ADDRESS) == record
    assert read_instance(stored(record, updated_at=...), ADDRESS) == replace(record, updated_at="")
    of_later = {name: {**asdict(each), "made_up": 1} for name, each in begun.items()}
    assert read_instance(stored(record, begun=of_later, made_up=1), ADDRESS) == record


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (INTENT, "intent"),
        (RECEIPT, "receipt"),
        (SendAgain("made-up-nonce", "then"), "send_again"),
        (Pointer(ADDRESS, "then"), "pointer"),
        (InstanceRecord(1, "then", {}), "instance"),
    ],
)
def test_a_record_is_sorted_json_with_its_schema_and_kind(record: Any, kind: str) -> None:
    text = write_record(record).decode()
    value = json.loads(text)
    assert (value["schema"], value["record"]) == (SCHEMA, kind)
    assert text == json.dumps(value, indent=1, sort_keys=True) + "\n"
    assert "submission" not in value


@pytest.mark.parametrize(
    ("state", "given", "read_as"),
    [
        ("unknown", ..., 1),
        ("sending", 0, 1),
        ("sending", 1, 1),
        ("unknown", 3, 3),
        ("not_taken", ..., 0),
        ("not_taken", 0, 0),
        ("not_taken", 2, 2),
    ],
)
def test_an_open_intent_may_be_charged_once_at_least(state: str, given: object, read_as: int) -> None:
    found = read_record(stored(INTENT, state=state, possibly_charged=given), ADDRESS)
    assert isinstance(found, Intent)
    assert (found.possibly_charged, found.state.value) == (read_as, state)


def test_an_intent_of_schema_1_has_the_values_that_stop_a_submission() -> None:
    record = {"started_at": "then", "try_number": 1, "rows": 150, "fingerprint": "f", "nonce": "n", "balance": 1}
    found = read_record(json.dumps(record).encode(), ADDRESS)
    assert found == Intent("then", 1, -1, 150, "f", "n", IntentState.UNKNOWN, 0, 0, 1.0, (), 1)


@pytest.mark.parametrize(
    "words",
    ["send again", "Send Again.", " send_again\n", '"send again"', "SEND--AGAIN!", "sendagain", "resend", "Resubmit"],
)
def test_the_words_of_a_person_send_it_again(words: str) -> None:
    assert read_record(words.encode(), ADDRESS) is SENT_AGAIN_BY_HAND


@pytest.mark.parametrize(
    "words", ["do not send again", "not_taken", "Deleted", "null", "two words", "", "Send", '"again"']
)
def test_other_words_are_no_decision(words: str) -> None:
    with pytest.raises(EkycJournalError, match="can't be read"):
        read_record(words.encode(), ADDRESS)


def test_an_id_is_a_receipt() -> None:
    assert read_record(b"made-up-id", ADDRESS) == read_record(b'"made-up-id"', ADDRESS) == Receipt("made-up-id")
    assert read_record(b"12345", ADDRESS) == read_record(b'{"ekyc_task_id": 12345}', ADDRESS) == Receipt("12345")
    assert read_record(b'{"ekyc_task_id": "unknown"}', ADDRESS) == Receipt("unknown"), "a field holds no word"


@pytest.mark.parametrize(
    "written",
    [
        *("not_found", "Yes", "n/a", "accepted", "+12125550123", "+1(212)555-0123", "me@example.com"),
        *("done.", "tbd!", "-", "--", "Not taken", "(paid)"),
        *("https://s3.example/result.zip?X-Amz-Signature=made-up", "result.zip?made-up", "s3://bucket/key"),
    ],
)
def test_what_a_person_writes_by_mistake_is_no_id(written: str) -> None:
    with pytest.raises(EkycJournalError, match="can't be read") as failed:
        read_record(written.encode(), ADDRESS)
    assert written not in str(failed.value)


@pytest.mark.parametrize("value", [True, None, 1.5, "", "two words", ["made-up-1", "made-up-2"], {}])
def test_what_can_not_be_an_id_is_no_receipt(value: object) -> None:
    with pytest.raises(EkycJournalError, match="can't be read"):
        read_record(json.dumps({"ekyc_task_id": value}).encode(), ADDRESS)


@pytest.mark.parametrize("missing", ["started_at", "try_number", "rows", "fingerprint", "state", "sends", "max_tries"])
def test_an_intent_without_a_field_is_unreadable(missing: str) -> None:
    with pytest.raises(EkycJournalError, match="can't be read"):
        read_record(stored(INTENT, **{missing: ...}), ADDRESS)


def test_a_record_of_another_kind_is_unreadable_whatever_its_fields() -> None:
    with pytest.raises(EkycJournalError, match="can't be read"):
        read_record(write_record(INTENT).replace(b'"record": "intent"', b'"record": "made up"'), ADDRESS)


def test_a_receipt_has_the_known_fields_alone() -> None:
    found = read_record(stored(RECEIPT, fingerprint="f", more="made up", possible_ids=...), ADDRESS)
    assert found == Receipt("made-up-id", {**RECEIPT.submission, "fingerprint": "f"})


def test_an_unreadable_record_says_how_it_is_settled() -> None:
    with pytest.raises(EkycJournalError) as failed:
        read_record(b"{", ADDRESS)
    advice = "Write the remote id into it, or the words 'send again', then clear this task."
    assert failed.value.message == (
        f"The record {ADDRESS} can't be read, so it is not known whether this list was submitted before. Nothing was "
        f"sent. {advice}"
    )
    assert (failed.value.steps, failed.value.advice) == (settle_steps(ADDRESS), advice)
    assert not failed.value.retryable


def test_a_pointer_to_a_record_that_is_gone_says_where_it_was() -> None:
    with pytest.raises(EkycJournalError) as failed:
        read_record(write_record(Pointer("s3://a-bucket/journal/record.json", "then")), ADDRESS)
    assert "it was recorded in s3://a-bucket/journal/record.json, and that record can't be found now" in str(
        failed.value
    )
    assert failed.value.steps == ("Set journal_uri back to where that record is, or:", *settle_steps(ADDRESS))
    assert failed.value.advice
    assert failed.value.message.endswith(failed.value.advice)
    assert ADDRESS in failed.value.advice
    assert "'send again'" in failed.value.advice


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"text", b'{"try_number": 1}', b'{"begun": {}}'])
@pytest.mark.parametrize("begun", [None, {"name": {"api": "only"}}, [1]])
def test_an_unreadable_instance_stops_the_submission(body: bytes, begun: object) -> None:
    with pytest.raises(EkycJournalError, match="can't be read, so it is not known what earlier tries") as failed:
        read_instance(body, ADDRESS)
    assert ADDRESS in failed.value.message
    assert "first settle each record of this task whose outcome is unknown" in failed.value.message
    with pytest.raises(EkycJournalError, match="can't be read"):
        read_instance(stored(InstanceRecord(1, "then", {}), begun=begun), ADDRESS)


def test_a_later_schema_is_named() -> None:
    for read in (read_record, read_instance):
        with pytest.raises(EkycJournalError) as failed:
            read(stored(INTENT, schema=3), ADDRESS)
        assert failed.value.message.startswith("Upgrade airflow-provider-ekyc on this worker, then clear this task.")
        assert f"The record {ADDRESS} has schema 3; this version reads schema 1 to 2." in failed.value.message


@pytest.mark.parametrize(
    ("schema", "known"), [(1, True), (2, True), (0, False), (3, False), (True, False), ("2", False)]
)
def test_which_schemas_are_known(schema: object, known: bool) -> None:
    assert has_known_schema({"schema": schema}) is known
    assert has_known_schema({})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" made-up-id \n", "made-up-id"),
        ("\ufeffmade-up-id", "made-up-id"),
        ("'made-up-id'", "made-up-id"),
        ("`made-up-id`", "made-up-id"),
        ("Xmade-up-idX", "Xmade-up-idX"),
        ('"\\t made-up-id "', "made-up-id"),
        ("{not json", None),
        ("[not json", None),
        ("12", 12),
        ('{"a": " b "}', {"a": " b "}),
    ],
)
def test_what_a_person_writes_is_read_without_its_quotes(text: str, value: object) -> None:
    assert read_json(text.encode()) == value


def test_bytes_that_are_no_text_are_read_as_other_text() -> None:
    assert read_json(b"made-up\xff") == "made-up\ufffd"


@pytest.mark.parametrize(
    ("address", "record", "key", "shown"),
    [
        ("Airflow Variable a_key", "this Airflow Variable (Admin, Variables)", "a_key", "made-up-id"),
        ("a_key in this task's Task State Store", "this key of this task's Task State Store", "a_key", '"made-up-id"'),
        ("s3://a-bucket/a-key", "this object", "s3://a-bucket/a-key", "made-up-id"),
        ("/shared/a-key", "this file", "/shared/a-key", "made-up-id"),
    ],
)
def test_each_store_has_its_own_editor(address: str, record: str, key: str, shown: str) -> None:
    steps = receipt_steps(address, "made-up-id")
    assert steps[1:4] == (shown, f"into {record}:", key)
    assert steps[0].startswith("This remote task was accepted and is paid for;")
    assert steps[4].startswith("Otherwise a later try")
    settled = settle_steps(address, ("made-up-1", "made-up-2"))
    how = "in double quotes" if shown.startswith('"') else "and nothing else"
    assert settled[1:6] == (
        f"If it is there, write its id, {how}, into {record}:",
        key,
        "The answer names what may be its id:",
        "made-up-1",
        "made-up-2",
    )
    assert settled[7] == ('"send again"' if shown.startswith('"') else "send again")
    assert len(settle_steps(address)) == 6


@pytest.mark.parametrize(
    ("record", "end"),
    [(b'{"schema": 3, "record": "intent"}', "this version reads schema 1 to 2."), (b"two words", "can't be read.")],
)
def test_after_a_send_no_error_of_a_record_says_that_nothing_was_sent(record: bytes, end: str) -> None:
    with pytest.raises(EkycJournalError, match="Nothing was sent") as failed:
        read_record(record, ADDRESS)
    assert after_send(failed.value.message).endswith(end)
