"""How a person settles a submission, as lines of a log: each key, id and word to copy alone on its line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

#: What a person writes into a record to have its list sent again.
SEND_AGAIN = "send again"

#: What an error of the journal says of a list before it is sent; all that follows is about that, too.
_NOT_SENT = re.compile(r"[,?.]? (?:[Ss]o it|It) is not known whether this list was submitted before.*", re.DOTALL)

#: How the address of a record that is an Airflow Variable begins; its key follows.
VARIABLE = "Airflow Variable "

#: How the address of a record of schema 1 ends; the key is before it.
TASK_STATE_STORE = " in this task's Task State Store"


def settle_steps(address: str, possible_ids: Iterable[str] = ()) -> tuple[str, ...]:
    """
    Return the steps: look, then adopt the remote task or have the list sent again.

    :param address: of the record, as messages name it
    :param possible_ids: what the answer names, which may be the id of the remote task
    """
    record, key, is_json = _editor(address)
    words = json.dumps(SEND_AGAIN) if is_json else SEND_AGAIN
    return (
        "Look for the remote task in the vendor's console.",
        f"If it is there, write its id, {'in double quotes' if is_json else 'and nothing else'}, into {record}:",
        key,
        *possible_id_steps(possible_ids),
        "If it is not there, write these words into the same record. It may be charged twice:",
        words,
        "Then clear this task. Do not delete the record.",
    )


def after_send(message: str) -> str:
    """
    Return what an error of the journal says once the list was sent: what failed, without "Nothing was sent".

    :param message: of the error
    """
    return _NOT_SENT.sub(".", message)


def possible_id_steps(possible_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the lines that show which ids an answer names; none if it names none."""
    found = tuple(possible_ids)
    return ("The answer names what may be its id:", *found) if found else ()


def receipt_steps(address: str, ekyc_task_id: str) -> tuple[str, ...]:
    """
    Return the lines about a remote task that was accepted, and whose receipt could not be written.

    :param address: of the record
    :param ekyc_task_id: the remote task
    """
    record, key, is_json = _editor(address)
    return (
        "This remote task was accepted and is paid for; its receipt could not be written. Write its id:",
        json.dumps(ekyc_task_id) if is_json else ekyc_task_id,
        f"into {record}:",
        key,
        "Otherwise a later try of this task fails because the outcome is unknown.",
    )


def _editor(address: str) -> tuple[str, str, bool]:
    """Return what the record is, the key by which it is found, and whether its editor takes JSON."""
    if address.startswith(VARIABLE):
        return "this Airflow Variable (Admin, Variables)", address.removeprefix(VARIABLE), False
    if address.endswith(TASK_STATE_STORE):
        return "this key of this task's Task State Store", address.removesuffix(TASK_STATE_STORE), True
    return ("this object" if address.startswith("s3://") else "this file"), address, False
