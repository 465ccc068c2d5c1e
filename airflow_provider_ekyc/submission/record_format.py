"""
Records as JSON, and back. Pure.

Each record has a schema version. A new field that an older reader may leave out does not change it:
``possibly_charged`` and ``clear_number`` of an intent; ``price``, ``estimated_cost``, ``balance_before`` and
``balance_after`` of a receipt, which are text or null. ``balance_after`` is null in each receipt, since a receipt is
written before that query.

Schema 1 had no version, and an intent and a receipt in two entries under another name; it is read and never written, so
that an upgrade does not pay again. A record of an unknown schema is never treated as an absent one.

A person may write a record by hand: the remote id alone, as text or JSON, adopts it; the words ``send again`` have
the list sent again. For the latter the page writes a record of its own kind, ``send_again``, which names the send that
it is about; a version that does not know this kind sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from airflow_provider_ekyc.api.task_ids import checked_task_id
from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSettingsError
from airflow_provider_ekyc.submission.record import (
    SENT_AGAIN_BY_HAND,
    Begun,
    InstanceRecord,
    Intent,
    IntentState,
    Pointer,
    Receipt,
    SendAgain,
    Submission,
)
from airflow_provider_ekyc.submission.settle_steps import SEND_AGAIN as SEND_AGAIN, settle_steps

#: The schema that is written, and the newest that can be read.
SCHEMA = 2

#: Other words with the same meaning.
_SEND_AGAIN = frozenset({SEND_AGAIN, "sendagain", "resend", "send it again", "resubmit"})

#: Words that a person may write and that are no remote id; half of ``send again`` is no decision either.
_NO_IDS = frozenset(
    (
        *("unknown", "free", "failed", "none", "null", "nothing", "not taken", "delete", "deleted", "retry", "send"),
        *("again", "not found", "notfound", "missing", "yes", "no", "ok", "okay", "done", "accepted", "refused"),
        *("paid", "charged", "n a", "na", "todo", "tbd", "true", "false"),
    )
)

#: A phone number as people write it, and a word with an at sign.
NUMBER_OR_ADDRESS = re.compile(r"\+[\d().\-/]{5,}|\S+@\S+")

#: What Airflow has encrypted: it returns a Variable like that where ``[core] fernet_key`` was removed.
_ENCRYPTED = re.compile(r"gAAAAA[A-Za-z0-9_-]{92,}={0,2}")

#: Fields that an intent of schema 1 does not have. It had no state: it was deleted when the list was refused.
_SCHEMA_1_INTENT = {
    "map_index": -1,
    "nonce": "",
    "state": IntentState.UNKNOWN,
    "sends": 0,
    "max_tries": 0,
    "possible_ids": (),
}
_BEGUN_FIELDS = tuple(each.name for each in fields(Begun))
_SUBMISSION_FIELDS = frozenset(each.name for each in fields(Submission)) - {"ekyc_task_id"}


_KINDS = {
    Intent: "intent",
    Receipt: "receipt",
    InstanceRecord: "instance",
    Pointer: "pointer",
    SendAgain: "send_again",
}


def write_record(record: Intent | Receipt | InstanceRecord | Pointer | SendAgain) -> bytes:
    """Return a record as it is stored."""
    kind = _KINDS[type(record)]
    content = asdict(record)
    submission = content.pop("submission", {})
    value = {"schema": SCHEMA, "record": kind, **submission, **content}
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def read_record(body: bytes, address: str) -> Receipt | Intent | SendAgain:
    """
    Read what is recorded of a submission.

    :param address: of the record, for the message
    :raises EkycJournalError: if it is neither an intent, nor a receipt, nor what a person may write; if its schema is
        not known; or if it points to a store that is no longer used
    """
    value = read_json(body)
    if isinstance(value, str) and _words(value) in _SEND_AGAIN:
        return SENT_AGAIN_BY_HAND
    record = value if isinstance(value, Mapping) else {"ekyc_task_id": value}
    _require_known_schema(record, address)
    try:
        if "ekyc_task_id" in record:
            ekyc_task_id = checked_task_id(record["ekyc_task_id"])
            if not isinstance(value, Mapping) and _is_no_id(ekyc_task_id):
                raise ValueError("a word, a number, an address or what is encrypted, not an id")
            known = {name: record[name] for name in _SUBMISSION_FIELDS & record.keys()}
            return Receipt(ekyc_task_id, known, tuple(map(str, record.get("possible_ids", ()))))
        if record.get("record") == "pointer":
            advice = (
                f"Set journal_uri back; or write the remote id into {address}, or the words '{SEND_AGAIN}'. Then "
                f"clear this task."
            )
            raise EkycJournalError(
                f"A list of this task may have been charged: it was recorded in {record['address']}, and that record "
                f"can't be found now: it was deleted, or journal_uri names another place. Nothing was sent. {advice}"
            ).with_steps("Set journal_uri back to where that record is, or:", *settle_steps(address), advice=advice)
        if record.get("record") == "send_again":
            return SendAgain(str(record["nonce"]), str(record["decided_at"]))
        if record.get("record") == "intent":
            return _intent(record)
        if "record" not in record:
            return _intent({**_SCHEMA_1_INTENT, **record})
        raise ValueError("a record of another kind")
    except (KeyError, TypeError, ValueError, EkycSettingsError):
        raise unreadable(address) from None


def _words(text: str) -> str:
    """Return the words of a text, whatever is between and around them."""
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def _is_no_id(text: str) -> bool:
    return (
        _words(text) in ("", *_NO_IDS)
        or _ENCRYPTED.fullmatch(text) is not None
        or NUMBER_OR_ADDRESS.fullmatch(text) is not None
        or "://" in text
        or "?" in text
    )


def unreadable(address: str) -> EkycJournalError:
    """Return the error for a record that can't be read."""
    advice = f"Write the remote id into it, or the words '{SEND_AGAIN}', then clear this task."
    return EkycJournalError(
        f"The record {address} can't be read, so it is not known whether this list was submitted before. Nothing was "
        f"sent. {advice}"
    ).with_steps(*settle_steps(address), advice=advice)


def read_instance(body: bytes, address: str) -> InstanceRecord:
    """
    Read what a task instance has begun.

    :param address: of the record, for the message
    :raises EkycJournalError: if it is no such record, or its schema is not known
    """
    record = read_json(body)
    if isinstance(record, Mapping):
        _require_known_schema(record, address)
    try:
        begun = {str(name): Begun(*map(each.__getitem__, _BEGUN_FIELDS)) for name, each in record["begun"].items()}
        return InstanceRecord(int(record["try_number"]), str(record.get("updated_at", "")), begun)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EkycJournalError(
            f"The record {address} can't be read, so it is not known what earlier tries of this task submitted. "
            f"Nothing was sent. Write back what it was, then clear this task. Where that is lost, first settle each "
            f"record of this task whose outcome is unknown, since it stops another list; then delete this one."
        ) from None


def read_json(body: bytes) -> Any:
    """Return JSON's value, or the text itself, which a person may have written with quotes around it."""
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None if text.startswith(("{", "[")) else text
    return value.strip(" \t'\"`") if isinstance(value, str) else value


def has_known_schema(record: Mapping[str, Any]) -> bool:
    """Whether a record has a schema that can be read here; what a person or schema 1 wrote has none in it."""
    schema = record.get("schema", 1)
    return type(schema) is int and 1 <= schema <= SCHEMA


def _require_known_schema(record: Mapping[str, Any], address: str) -> None:
    if not has_known_schema(record):
        raise EkycJournalError(
            f"Upgrade airflow-provider-ekyc on this worker, then clear this task. The record {address} has schema "
            f"{record['schema']!r}; this version reads schema 1 to {SCHEMA}. So it is not known whether this list was "
            f"submitted before. Nothing was sent."
        )


def _intent(record: Mapping[str, Any]) -> Intent:
    state = IntentState(record["state"])
    # Versions without prices did not count it. An open intent may be charged once, at least.
    possibly_charged = int(record.get("possibly_charged", 0))
    return Intent(
        started_at=str(record["started_at"]),
        try_number=int(record["try_number"]),
        map_index=int(record["map_index"]),
        rows=int(record["rows"]),
        fingerprint=str(record["fingerprint"]),
        nonce=str(record["nonce"]),
        state=state,
        sends=int(record["sends"]),
        max_tries=int(record["max_tries"]),
        balance=None if record.get("balance") is None else float(record["balance"]),
        possible_ids=tuple(str(each) for each in record["possible_ids"]),
        possibly_charged=possibly_charged if state is IntentState.NOT_ACCEPTED else max(1, possibly_charged),
        clear_number=None if record.get("clear_number") is None else int(record["clear_number"]),
    )
