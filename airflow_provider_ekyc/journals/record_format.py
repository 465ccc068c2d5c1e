"""
Records as bytes, and back. Pure.

A person may write a record by hand: the remote id alone, as text or JSON, adopts it; the words ``send again`` have
the list sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_ekyc.api.protocol import checked_task_id
from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSettingsError
from airflow_provider_ekyc.journals.record import SCHEMA, Begun, InstanceRecord, Intent, IntentState, Receipt

#: What a person writes into a record to have its list sent again.
SEND_AGAIN = "send again"


def write_intent(intent: Intent) -> bytes:
    """Return an intent as it is kept."""
    return _json({"record": "intent", **asdict(intent)})


def write_receipt(receipt: Receipt) -> bytes:
    """Return a receipt as it is kept."""
    return _json({"record": "receipt", **receipt.submission, "ekyc_task_id": receipt.ekyc_task_id})


def write_instance(instance: InstanceRecord) -> bytes:
    """Return an instance's record as it is kept."""
    return _json({"record": "instance", **asdict(instance)})


def read_record(body: bytes, address: str) -> Receipt | Intent:
    """
    Read what is remembered of a submission.

    :param address: where it is kept, for the message
    :raises EkycJournalError: if it is neither an intent, nor a receipt, nor what a person may write
    """
    value = _value(body)
    if isinstance(value, str) and value.strip().lower() == SEND_AGAIN:
        return Intent("", 0, -1, 0, "", "", IntentState.NOT_TAKEN)
    fields = value if isinstance(value, Mapping) else {"ekyc_task_id": value}
    try:
        if fields.get("record") == "intent":
            return _intent(fields)
        ekyc_task_id = checked_task_id(fields.get("ekyc_task_id"))
    except (KeyError, TypeError, ValueError, EkycSettingsError):
        raise EkycJournalError(
            f"The record {address} can't be read, so it is not known whether this list was submitted before. Nothing "
            f"was sent. Write the remote id into it, or the words '{SEND_AGAIN}', then clear this task."
        ) from None
    return Receipt(ekyc_task_id, {k: v for k, v in fields.items() if k not in ("record", "schema")})


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
    """Return JSON's value, or the text itself, which a person may have written."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return json.loads(text)
    except ValueError:
        return None if text.startswith(("{", "[")) else text
