"""
Records that version 0.1.0's first form wrote: an intent and a receipt in two entries, under other names.

They are read and never written: an upgrade must not pay again for what was paid before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt
from airflow_provider_ekyc.submission.record_format import read_record


def earlier_name(base_url: str, account: str, task_type: str, sha256: str) -> str:
    """
    Return the name that a submission had.

    :param base_url: of the connection, as it was then
    :param sha256: hex digest of the bytes that are sent, in their order
    """
    fingerprint = hashlib.sha256(f"{task_type}\0{sha256}".encode()).hexdigest()
    return hashlib.sha256("\0".join((base_url, account, fingerprint)).encode()).hexdigest()[:16]


def find_earlier(name: str, read: Callable[[str], bytes | None], address: str) -> Receipt | Intent | None:
    """
    Return what is remembered under an earlier name.

    :param name: as :func:`earlier_name` gives it
    :param read: returns the entry ``receipt`` or ``intent`` of that name
    :param address: where the entries are, for a message
    :raises EkycJournalError: if there is an entry that can't be read
    """
    receipt = read(f"{name}.receipt")
    if receipt is not None:
        return read_record(receipt, address)
    intent = read(f"{name}.intent")
    if intent is None:
        return None
    try:
        fields: Any = json.loads(intent)
        return Intent(
            started_at=str(fields["started_at"]),
            try_number=int(fields["try_number"]),
            map_index=-1,
            rows=int(fields["rows"]),
            fingerprint=str(fields["fingerprint"]),
            nonce=str(fields.get("nonce", "")),
            state=IntentState.UNKNOWN,
            balance=None if fields.get("balance") is None else float(fields["balance"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EkycJournalError(
            f"An intent of an earlier version, {address}, can't be read, so it is not known whether this list was "
            f"submitted before. Nothing was sent. Delete it by hand, then clear this task."
        ) from None


def state_store_reader(state_store: Any) -> Callable[[str], bytes | None]:
    """
    Read the entries that were kept in Airflow's task state store (3.3 and later).

    :param state_store: ``context["task_state_store"]``
    """

    def read(entry: str) -> bytes | None:
        name, kind = entry.split(".")
        try:
            value: object = state_store.get(f"ekyc-{kind}-{name}")
        except Exception as error:  # noqa: BLE001  # a backend of the user's may raise anything
            raise EkycJournalError(
                f"Airflow's task state store can't be read ({type(error).__name__}), so it is not known whether this "
                f"list was submitted before. Nothing was sent. A retry looks again.",
                retryable=True,
            ) from None
        if value is None:
            return None
        return json.dumps(dict(value) if isinstance(value, Mapping) else value).encode()

    return read
