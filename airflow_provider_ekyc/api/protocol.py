"""
The protocol: what to send, and how to read an answer. Pure, shared by both clients.

The calls are those of ``docs/api.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_ekyc.api.failures import (
    STATUS_ANSWER_LIMIT,
    Call,
    HttpAnswer,
    classify_status,
    read_json,
    server_message,
)
from airflow_provider_ekyc.api.models import (
    Balance,
    Task,
    UnreadableAnswer,
    read_balance,
    read_created,
    read_task,
)
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycAnswerError, EkycSettingsError, Outcome
from airflow_provider_ekyc.redaction import redact


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for any HTTP library; ``headers`` hold the key, so it is never shown."""

    call: Call
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class UploadParts:
    """What surrounds the file in a submission's body: ``head``, the file's bytes, ``tail``."""

    request: Request
    head: bytes
    tail: bytes


def balance_request(settings: EkycSettings) -> Request:
    """Build ``GET /v1/balance``; free."""
    return Request(Call.BALANCE, "GET", f"{settings.base_url}/v1/balance", _headers(settings))


def status_request(settings: EkycSettings, ekyc_task_id: str) -> Request:
    """
    Build ``POST /v1/gettasks`` as the API page shows it: a multipart form.

    :raises EkycSettingsError: if the id can't be one
    """
    boundary = "ekyc-task-id-form"
    body = _form_field(boundary, "task_id", checked_task_id(ekyc_task_id)) + _form_end(boundary)
    headers = _headers(settings, boundary)
    return Request(Call.STATUS, "POST", f"{settings.base_url}/v1/gettasks", headers, body)


def submit_request(settings: EkycSettings, task_type: str, boundary: str) -> UploadParts:
    """
    Build ``POST /v1/tasks`` around a file that is streamed between ``head`` and ``tail``.

    :param boundary: random text that occurs in no line of the file
    :raises EkycSettingsError: if the task type can't be one
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", task_type):
        raise EkycSettingsError("task_type must be a word such as amazon: letters, digits, '_', '.', '-'.")
    head = _form_field(boundary, "task_type", task_type) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="numbers.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n"
    ).encode("ascii")
    headers = _headers(settings, boundary)
    request = Request(Call.SUBMIT, "POST", f"{settings.base_url}/v1/tasks", headers)
    return UploadParts(request, head, b"\r\n" + _form_end(boundary))


def checked_task_id(ekyc_task_id: object) -> str:
    """
    Return the remote task id, trimmed.

    :raises EkycSettingsError: if it is not text, empty (or ``"None"``, as which a template that found nothing
        renders), or holds blanks or control characters
    """
    text = ekyc_task_id.strip() if isinstance(ekyc_task_id, str) else ""
    if re.fullmatch(r"[\x21-\x7e]{1,200}", text) and text != "None":  # what a template that found nothing gives
        return text
    raise EkycSettingsError(
        "ekyc_task_id must be the remote task's id, as EkycSubmitOperator returns it; it is "
        f"{'empty' if text in ('', 'None') else 'not such an id'}. Nothing was asked."
    )


def read_submission_answer(settings: EkycSettings, answer: HttpAnswer) -> Task:
    """
    Read the answer to a submission: any 2xx that carries a task id is a success.

    :raises EkycApiError: ``outcome`` says whether it may have been charged
    """
    return _read(Call.SUBMIT, read_created, settings, answer)


def read_status_answer(settings: EkycSettings, ekyc_task_id: str, answer: HttpAnswer) -> Task:
    """
    Read the answer to a status query.

    :raises EkycApiError: also if the answer is about another task, or longer than :data:`STATUS_ANSWER_LIMIT`
    """
    if 200 <= answer.status < 300 and len(answer.body) > STATUS_ANSWER_LIMIT:
        raise EkycAnswerError(
            f"The answer to the status query can't be read: it is longer than {STATUS_ANSWER_LIMIT:,} bytes.",
            status=answer.status,
            retryable=True,
        )
    task = _read(Call.STATUS, read_task, settings, answer)
    if task.ekyc_task_id != ekyc_task_id:
        raise EkycAnswerError(
            "The API's answer is about another task than the one asked for.",
            status=answer.status,
            retryable=True,
        )
    return task


def read_balance_answer(settings: EkycSettings, answer: HttpAnswer) -> Balance:
    """
    Read the answer to a balance query.

    :raises EkycApiError: classified
    """
    return _read(Call.BALANCE, read_balance, settings, answer)


_Model = TypeVar("_Model")


def _read(
    call: Call, reader: Callable[[Mapping[str, Any]], _Model], settings: EkycSettings, answer: HttpAnswer
) -> _Model:
    if not 200 <= answer.status < 300:
        raise classify_status(call, settings, answer)
    fields = read_json(answer.body)
    if isinstance(fields, dict):
        try:
            return reader(fields)
        except UnreadableAnswer as error:
            # A body that holds a remote id in some other place is all that a person has to go by.
            said = server_message(answer.body, settings) or redact(
                answer.body.decode("utf-8", "replace"), secrets=(settings.api_key,)
            )
            problem = f'{error}. The server says: "{said}".'
    else:
        problem = f'it is not a JSON object but: "{server_message(answer.body, settings)}".'
    raise EkycAnswerError(
        f"The answer to the {call} can't be read: {problem}",
        status=answer.status,
        retryable=True,
        outcome=Outcome.UNKNOWN if call is Call.SUBMIT else Outcome.REFUSED,
    )


def _headers(settings: EkycSettings, boundary: str | None = None) -> dict[str, str]:
    headers = {"X-API-Key": settings.api_key, "Accept": "application/json"}
    if boundary is not None:
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    return headers


def _form_field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode("ascii")


def _form_end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode("ascii")
