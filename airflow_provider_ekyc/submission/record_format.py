"""
Records as bytes, and back. Pure.

A person may write a record by hand: the remote id alone, as text or JSON, adopts it; the words ``send again`` have
the list sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_ekyc.api.task_ids import checked_task_id
from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSettingsError
from airflow_provider_ekyc.submission.record import SCHEMA, Begun, InstanceRecord, Intent, IntentState, Receipt

#: What a person writes into a record to have its list sent again.
SEND_AGAIN = "send again"

#: ... and what is meant by it as well.
_SEND_AGAIN = frozenset({SEND_AGAIN, "sendagain", "resend", "send it again", "resubmit"})

#: Words that a person may write and that are no remote id.
_NO_IDS = frozenset({"unknown", "free", "failed", "none", "null", "nothing", "not_taken", "delete", "deleted", "retry"})


def write_intent(intent: Intent) -> bytes:
    """Return an intent as it is kept."""
    return _json({"record": "intent", **asdict(intent)})


def write_receipt(receipt: Receipt) -> bytes:
    """Return a receipt as it is kept."""
    return _json({"record": "receipt", **receipt.submission, "ekyc_task_id": receipt.ekyc_task_id})


def write_instance(instance: InstanceRecord) -> bytes:
    """Return an instance's record as it is kept."""
    return _json({"record": "instance", **asdict(instance)})


def write_pointer(address: str, written_at: str) -> bytes:
    """
    Return a note of where a submission is recorded.

    :param written_at: time (ISO 8601, UTC)
    """
    return _json({"record": "pointer", "address": address, "written_at": written_at})


def read_record(body: bytes, address: str) -> Receipt | Intent:
    """
    Read what is remembered of a submission.

    :param address: where it is kept, for the message
    :raises EkycJournalError: if it is neither an intent, nor a receipt, nor what a person may write; or if it says
        that the submission is recorded elsewhere, which then is not looked at any more
    """
    value = _value(body)
    if isinstance(value, str) and re.sub(r"[\W_]+", " ", value).strip().lower() in _SEND_AGAIN:
        return Intent("", 0, -1, 0, "", "", IntentState.NOT_TAKEN)
    fields = value if isinstance(value, Mapping) else {"ekyc_task_id": value}
    try:
        if "ekyc_task_id" not in fields:
            if fields.get("record") == "pointer":
                raise EkycJournalError(
                    f"This list may have been charged: it was recorded in {fields['address']}, and that record can't "
                    f"be found now: it was deleted, or journal_uri names another place. Nothing was sent. Set "
                    f"journal_uri back; or write the remote id into {address}, or the words '{SEND_AGAIN}'. Then clear "
                    f"this task."
                )
            if fields.get("record") == "intent":
                return _intent(fields)
        given = fields["ekyc_task_id"]
        ekyc_task_id = checked_task_id(str(given) if type(given) is int else given)
        if not isinstance(value, Mapping) and ekyc_task_id.lower() in _NO_IDS:
            raise ValueError("a word, not an id")
    except (KeyError, TypeError, ValueError, EkycSettingsError):
        raise EkycJournalError(
            f"The record {address} can't be read, so it is not known whether this list was submitted before. Nothing "
            f"was sent. Write the remote id into it, or the words '{SEND_AGAIN}', then clear this task."
        ) from None
    return Receipt(ekyc_task_id, {k: v for k, v in fields.items() if k not in ("record", "schema")})


def is_by_hand(record: Intent) -> bool:
    """Whether an intent is what a person's words were read as."""
    return not record.nonce and record.state is IntentState.NOT_TAKEN


def read_instance(body: bytes, address: str) -> InstanceRecord:
    """
    Read what a task instance has begun.

    :param address: where it is kept, for the message
    :raises EkycJournalError: if it is no such record
    """
    value = _value(body)
    try:
        begun = {str(name): Begun(**fields) for name, fields in value["begun"].items()}
        return InstanceRecord(int(value["try_number"]), str(value["updated_at"]), begun)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EkycJournalError(
            f"The record {address} can't be read, so it is not known what earlier tries of this task submitted. "
            f"Nothing was sent. Correct or delete it, then clear this task."
        ) from None


def _intent(fields: Mapping[str, Any]) -> Intent:
    return Intent(
        started_at=str(fields["started_at"]),
        try_number=int(fields["try_number"]),
        map_index=int(fields["map_index"]),
        rows=int(fields["rows"]),
        fingerprint=str(fields["fingerprint"]),
        nonce=str(fields["nonce"]),
        state=IntentState(fields["state"]),
        sends=int(fields["sends"]),
        max_tries=int(fields["max_tries"]),
        balance=None if fields.get("balance") is None else float(fields["balance"]),
        possible_ids=tuple(str(each) for each in fields["possible_ids"]),
    )


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": SCHEMA, **value}, indent=1, sort_keys=True).encode() + b"\n"


def _value(body: bytes) -> Any:
    """Return JSON's value, or the text itself, which a person may have written with quotes around it."""
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = None if text.startswith(("{", "[")) else text
    return value.strip(" \t'\"`") if isinstance(value, str) else value
