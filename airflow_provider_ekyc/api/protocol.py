"""
The protocol: what to send, and how to read an answer. Pure, shared by both clients.

The calls are those of ``docs/api.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from airflow_provider_ekyc.api.answers import STATUS_ANSWER_LIMIT, Author, Call, HttpAnswer, author_of
from airflow_provider_ekyc.api.failures import classify_status, classify_transport, server_message
from airflow_provider_ekyc.api.json_body import balance_fields, task_fields
from airflow_provider_ekyc.api.models import (
    Balance,
    Task,
    UnreadableAnswer,
    read_balance,
    read_created,
    read_task,
)
from airflow_provider_ekyc.api.paid_ids import NO_IDS, FoundIds, find_ids
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.api.task_ids import checked_task_id, read_task_id
from airflow_provider_ekyc.api.user_agent import user_agent
from airflow_provider_ekyc.arguments import read_task_type
from airflow_provider_ekyc.exceptions import EkycAnswerError, EkycProxyError, Outcome
from airflow_provider_ekyc.redaction import SentNumbers, digits_of, redact

# A number as it was sent, within an id that has letters.
_NUMBER = re.compile(r"\+([0-9]{7,15})(?![0-9])")

# Characters of the key in an id that make it no id. More than what is hidden in other text: an id is not discarded
# because it has a word in common with a key.
_KEY_PART = 12


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for any HTTP library; ``headers`` hold the key, so it is never shown."""

    call: Call
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


_Model = TypeVar("_Model")


@dataclass(frozen=True, slots=True)
class Query(Generic[_Model]):
    """
    A request, and how to read its answer.

    :param read: returns what the answer says, or raises a classified ``EkycApiError``
    """

    request: Request
    read: Callable[[HttpAnswer], _Model]


@dataclass(frozen=True, slots=True)
class UploadParts:
    """What surrounds the file in a submission's body: ``head``, the file's bytes, ``tail``."""

    request: Request
    head: bytes
    tail: bytes


def balance_query(settings: EkycSettings) -> Query[Balance]:
    """Build ``GET /v1/balance``; free."""
    request = Request(Call.BALANCE, "GET", f"{settings.base_url}/v1/balance", _headers(settings))
    redacted = _redactor(settings)
    return Query(request, lambda answer: _read(Call.BALANCE, read_balance, balance_fields, answer, redacted))


def status_query(settings: EkycSettings, ekyc_task_id: object) -> Query[Task]:
    """
    Build ``POST /v1/gettasks`` as the API page shows it: a multipart form.

    :param ekyc_task_id: what :func:`~airflow_provider_ekyc.api.task_ids.checked_task_id` accepts
    :raises EkycSettingsError: if the id can't be one
    """
    checked = checked_task_id(ekyc_task_id)
    boundary = "ekyc-task-id-form"
    body = _form_field(boundary, "task_id", checked) + _form_end(boundary)
    request = Request(Call.STATUS, "POST", f"{settings.base_url}/v1/gettasks", _headers(settings, boundary), body)
    redacted = _redactor(settings, keep=(checked,))
    return Query(request, lambda answer: _read_status(checked, answer, redacted))


def submit_request(settings: EkycSettings, task_type: str, boundary: str) -> UploadParts:
    """
    Build ``POST /v1/tasks`` around a file that is streamed between ``head`` and ``tail``.

    :param boundary: random text that occurs in no line of the file
    :raises EkycSettingsError: if the task type can't be one
    """
    head = _form_field(boundary, "task_type", read_task_type(task_type)) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="numbers.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n"
    ).encode("ascii")
    headers = _headers(settings, boundary)
    request = Request(Call.SUBMIT, "POST", f"{settings.base_url}/v1/tasks", headers)
    return UploadParts(request, head, b"\r\n" + _form_end(boundary))


def read_submission_answer(settings: EkycSettings, answer: HttpAnswer, *, sent: SentNumbers | None = None) -> Task:
    """
    Read the answer to a submission: what surely holds the id of the new task is a success.

    :param sent: the numbers that were sent: none of them is an id, and none is shown
    :raises EkycApiError: ``outcome`` says whether it may have been charged, ``possible_ids`` what may be its id
    """
    ids = find_ids(answer).without(lambda one: _is_secret(one, settings, sent))
    if ids.created is not None:
        return read_created(ids.created)
    # Text in the place of an id may quote what was sent, as any other text of a server.
    hide = _redactor(settings, sent=sent)
    ids = replace(ids, possible=tuple(one if read_task_id(one) else hide(one) for one in ids.possible))
    redacted = _redactor(settings, sent=sent, keep=ids.possible)
    if not 200 <= answer.status < 300:
        raise classify_status(Call.SUBMIT, answer, redacted, ids)
    if answer.broken_off:
        raise classify_transport(Call.SUBMIT, answer.broken_off, sent=True, ids=ids)
    fields = task_fields(answer.body)
    problem = "it is not a JSON object" if fields is None else "it has no task_id"
    if ids.possible:
        problem = "it does not say for certain which task was made"
    raise _unreadable(Call.SUBMIT, answer, problem, redacted, ids)


def _read_status(ekyc_task_id: str, answer: HttpAnswer, redacted: Callable[[str], str]) -> Task:
    """Read the answer to a status query; one about another task, or longer than the limit, is an error."""
    if 200 <= answer.status < 300 and len(answer.body) > STATUS_ANSWER_LIMIT:
        raise EkycAnswerError(
            f"The answer to the status query can't be read: it is longer than {STATUS_ANSWER_LIMIT:,} bytes.",
            status=answer.status,
            retryable=True,
        )
    task = _read(Call.STATUS, read_task, task_fields, answer, redacted)
    if task.ekyc_task_id != ekyc_task_id:
        raise EkycAnswerError(
            "The API's answer is about another task than the one asked for.",
            status=answer.status,
            retryable=True,
        )
    return task


def _read(
    call: Call,
    reader: Callable[[Mapping[str, Any]], _Model],
    fields_of: Callable[[bytes], dict[str, Any] | None],
    answer: HttpAnswer,
    redacted: Callable[[str], str],
) -> _Model:
    if not 200 <= answer.status < 300:
        raise classify_status(call, answer, redacted)
    fields = fields_of(answer.body)
    if fields is None:
        raise _unreadable(call, answer, "it is not a JSON object", redacted)
    try:
        return reader(fields)
    except UnreadableAnswer as error:
        raise _unreadable(call, answer, str(error), redacted) from None


def _unreadable(
    call: Call, answer: HttpAnswer, problem: str, redacted: Callable[[str], str], ids: FoundIds = NO_IDS
) -> EkycAnswerError:
    # A body that says nothing in the usual place is all that a person has to go by.
    said = server_message(answer.body, redacted) or redacted(answer.body.decode("utf-8", "replace"))
    error = EkycProxyError if author_of(answer) is Author.PAGE else EkycAnswerError
    return error(
        f'The answer to the {call} can\'t be read: {problem}. The server says: "{said}".{ids.shown}',
        status=answer.status,
        retryable=True,
        outcome=Outcome.UNKNOWN if call is Call.SUBMIT else Outcome.REFUSED,
        possible_ids=ids.possible,
    )


def _redactor(
    settings: EkycSettings, *, sent: SentNumbers | None = None, keep: tuple[str, ...] = ()
) -> Callable[[str], str]:
    """Return a function that removes from a text what must not be shown; the ids in ``keep`` stay."""
    return partial(redact, secrets=(settings.api_key,), sent=sent, keep=keep)


def _is_secret(ekyc_task_id: str, settings: EkycSettings, sent: SentNumbers | None) -> bool:
    """Whether what is in the place of an id is a number of the file or the key, and so can't be one."""
    digits = digits_of(ekyc_task_id)
    if digits and not any(character.isalpha() for character in ekyc_task_id):
        numbers = {digits}
    else:
        # What can't be an id by its shape is kept, without the numbers in it.
        numbers = set(_NUMBER.findall(ekyc_task_id)) if read_task_id(ekyc_task_id) else set()
    if sent is not None and numbers and sent.among(numbers, set())[0]:
        return True
    key, length = settings.api_key.lower(), min(_KEY_PART, len(settings.api_key))
    return any(key[start : start + length] in ekyc_task_id.lower() for start in range(len(key) - length + 1))


def _headers(settings: EkycSettings, boundary: str | None = None) -> dict[str, str]:
    # An answer that is not packed can be read up to where it breaks off.
    headers = {
        "X-API-Key": settings.api_key,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": user_agent(),
    }
    if boundary is not None:
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    return headers


def _form_field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode("ascii")


def _form_end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode("ascii")
