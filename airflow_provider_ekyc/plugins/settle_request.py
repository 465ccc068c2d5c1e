"""
What a request to settle a submission must be, and what it asks for. Pure.

Airflow itself does not compare the origin of a request that comes with a session cookie, so these routes do: a page of
another site can send a request, and the cookie goes along with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ekyc.api.task_ids import LONGEST_ID, read_task_id
from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.record import Receipt
from airflow_provider_ekyc.submission.record_format import NUMBER_OR_ADDRESS, read_record

#: Bytes of a request's body at the most: four ids of 250 characters, and one of 512.
LONGEST_BODY = 16_384

#: Characters of an id of Airflow at the most, as its tables hold them.
_LONGEST_KEY = 250

#: ``Scope.name``.
_NAME = re.compile(r"[0-9a-f]{16}")


class SettleRefused(Exception):
    """
    A submission is not settled; nothing was changed.

    :param status: HTTP status, 400 to 499
    :param detail: a sentence that says what to do; never with a number, a key or a URL's query
    :param confirm: whether the same request with ``"confirmed": true`` is accepted
    :param clear: whether all that is left to do is to clear the task
    """

    def __init__(self, status: int, detail: str, *, confirm: bool = False, clear: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.confirm = confirm
        self.clear = clear
        #: Body of the clear that is left to do, where it is.
        self.clear_body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """
    Which submission a person settles, and how.

    :param map_index: -1 if the task is not mapped
    :param name: ``Scope.name`` of the submission
    :param ekyc_task_id: the remote task to adopt; None to send the list again
    :param confirmed: whether the person has read what may be wrong with it
    :param sent_at: when the send began that the person has seen (``Intent.started_at``); None if it is not known
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    name: str
    ekyc_task_id: str | None
    confirmed: bool
    sent_at: str | None = None


def require_own_page(headers: Mapping[str, str], own_origins: Collection[str]) -> None:
    """
    Refuse what a page of another site sends, and what is not JSON, which a form of another site could send.

    A browser writes ``Sec-Fetch-Site`` and ``Origin`` itself: no script can. It leaves the first one out where the
    page is not encrypted, and then sends the second.

    :param headers: of the request, by lower-case name
    :param own_origins: origins of this server, such as ``https://airflow.example``
    :raises SettleRefused: 403 for another site, 415 for another type
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    is_own = site == "same-origin" if site is not None else _is_one_of(origin, own_origins)
    if not is_own:
        raise SettleRefused(
            403,
            "This request does not come from a page of this Airflow, so nothing was changed. Use the page eKYC; a "
            "program sends the header Origin with this server's address. Behind a proxy, set [api] base_url.",
        )
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise SettleRefused(415, "The request must be JSON (Content-Type: application/json). Nothing was changed.")


def read_adopt(body: bytes) -> SettleRequest:
    """
    Read the body of ``POST /ekyc/adopt``.

    :raises SettleRefused: 422 if it is not what it must be; the message quotes none of it
    """
    given = _read_json(body)
    text = given.get("ekyc_task_id")
    text = text.strip() if isinstance(text, str) else ""
    ekyc_task_id = read_task_id(text)
    if not text:
        raise _unusable_id("is empty")
    if NUMBER_OR_ADDRESS.fullmatch(text):
        raise _unusable_id("looks like a number or an address of a list")
    if "://" in text or "?" in text:
        raise _unusable_id("is an address; paste the id alone")
    if ekyc_task_id is None or not _is_adopted_by_hand(ekyc_task_id):
        raise _unusable_id(f"is not one: an id has no blanks, and {LONGEST_ID} characters at the most")
    return _request(given, ekyc_task_id)


def read_send_again(body: bytes) -> SettleRequest:
    """
    Read the body of ``POST /ekyc/send-again``.

    :raises SettleRefused: 422 if it is not what it must be; the message quotes none of it
    """
    return _request(_read_json(body), None)


def _request(given: Mapping[str, Any], ekyc_task_id: str | None) -> SettleRequest:
    dag_id, run_id, task_id, name = (given.get(key) for key in ("dag_id", "run_id", "task_id", "name"))
    map_index, confirmed, sent_at = given.get("map_index", -1), given.get("confirmed", False), given.get("sent_at")
    if not (_is_key(dag_id) and _is_key(run_id) and _is_key(task_id)):
        raise _unreadable("dag_id, run_id and task_id must be text")
    if type(map_index) is not int or not -1 <= map_index < 2**31:
        raise _unreadable("map_index must be a whole number, -1 for a task that is not mapped")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _unreadable("name must be that of the submission, 16 hex digits")
    if type(confirmed) is not bool:
        raise _unreadable("confirmed must be true or false")
    if sent_at is not None and not _is_time(sent_at):
        raise _unreadable("sent_at must be a time with its offset from UTC, ISO 8601")
    return SettleRequest(str(dag_id), str(run_id), str(task_id), map_index, name, ekyc_task_id, confirmed, sent_at)


def _is_one_of(origin: str | None, own_origins: Collection[str]) -> bool:
    found = None if origin is None else normalized_origin(origin)
    return found is not None and found in {normalized_origin(each) for each in own_origins}


def normalized_origin(url: str) -> str | None:
    """Return scheme, host and port of a URL in one spelling, or None if it has none of them."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _is_key(value: object) -> bool:
    # Not printable: NUL, which PostgreSQL refuses, and halves of a character, which no database can encode.
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_KEY and value.isprintable()


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_adopted_by_hand(ekyc_task_id: str) -> bool:
    """Whether the same text in a record would be read as this id: not a word such as ``resend`` or ``unknown``."""
    try:
        record = read_record(json.dumps(ekyc_task_id).encode(), "")
    except EkycJournalError:
        return False
    return isinstance(record, Receipt) and record.ekyc_task_id == ekyc_task_id


def _read_json(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, Mapping):
        raise _unreadable("its body must be a JSON object")
    return given


def _unreadable(problem: str) -> SettleRefused:
    return SettleRefused(422, f"The request can't be read: {problem}. Nothing was changed.")


def _unusable_id(problem: str) -> SettleRefused:
    return SettleRefused(422, f"The remote id {problem}. No request was sent, and nothing was changed.")
