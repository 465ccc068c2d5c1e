"""How answers are given to the package, to its pure functions and to both clients over sockets, and their oracle."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.api.answers import HttpAnswer
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.failures import classify_result_status
from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.api.protocol import balance_query, read_submission_answer, status_query
from airflow_provider_ekyc.api.result_hosts import ResultHost, find_result_host
from airflow_provider_ekyc.api.result_stream import ResultHead, read_result_head
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import EkycSettings, read_settings
from airflow_provider_ekyc.exceptions import EkycApiError, EkycError, EkycResultError, Outcome
from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, Poller, task_summary
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.spool import spool_file
from dev.fuzz.answers import BALANCE, RESULT, STATUS, SUBMIT
from dev.fuzz.model import AnswerInput
from dev.fuzz.reading import Reading
from dev.fuzz.values import API_KEY, QUERY, TASK_ID, digits_of
from dev.testing.sockets import SocketServer, answering

_NOW = 1_763_712_000.0  # when every answer arrives: the result must not depend on today
_TRIES = 3
#: A download that has received something is given as many tries once more.
_ROUNDS = 2
#: OpenSSL sends by write(), so that what the server in this process sends is counted as written, too.
_COUNTED_OVER_TLS = 2
_NUMBERS = f"+{digits_of(1)}\n".encode()


@contextmanager
def answer_reading(given: AnswerInput, server: SocketServer, spool_dir: Path) -> Iterator[Reading]:
    """Give an answer to the functions that read it, or to a client that asks for it."""
    extra: dict[str, object] = {"result_hosts": server.url, "ca_file": server.ca_file}
    extra |= {"connect_timeout": 5, "read_timeout": 5, "submit_timeout": 5}
    settings = read_settings("made_up", host=server.url, password=API_KEY, extra=extra)
    counted = _COUNTED_OVER_TLS if server.ca_file else 1
    yield Reading(
        read=(lambda: _request(given, server, settings, spool_dir)) if given.wire else (lambda: _read(given, settings)),
        check_value=lambda value: _check_value(given, value),
        check_error=lambda error: _check_error(given, error),
        disk=counted * _ROUNDS * _TRIES * len(given.data) if given.wire else 0,
    )


def _poller() -> Poller:
    return Poller(PollPolicy(), _NOW - 60, Deadline(_NOW + 3600))


def _read(given: AnswerInput, settings: EkycSettings) -> Any:
    answer = HttpAnswer(given.status, given.headers, given.data, datetime.fromtimestamp(_NOW, UTC))
    if given.call == SUBMIT:
        return _used(read_submission_answer(settings, answer), settings)
    if given.call == BALANCE:
        return balance_query(settings).read(answer)
    if given.call == RESULT:
        if given.status not in (200, 206):
            raise classify_result_status(answer)
        return read_result_head(given.status, given.headers)
    try:
        return _used(status_query(settings, TASK_ID).read(answer), settings)
    except EkycApiError as error:
        _poller().decide(error, _NOW, 0.5)
        raise


def _used(task: Task, settings: EkycSettings) -> Task:
    """Do with a task what the sensor and the transfer do."""
    decision = _poller().decide(task, _NOW, 0.5)
    json.dumps(task_summary(task, seconds=1.0, queries=1), allow_nan=False)
    wait = 0.0 if decision.ask_at is None else decision.ask_at - _NOW
    if not 0.0 <= wait <= 3600.0 or not 0.0 <= (task.progress or 0.0) <= 1.0:
        raise ArithmeticError("a wait or a progress out of its bounds")
    if task.result_url:
        try:
            host = find_result_host(task.result_url, settings.result_hosts)
        except EkycResultError:
            return task
        if not isinstance(host, ResultHost):
            raise TypeError("no host")
    return task


def _request(given: AnswerInput, server: SocketServer, settings: EkycSettings, spool_dir: Path) -> Any:
    server.talk = answering(given.data)
    if given.call == STATUS and given.index % 2:
        return asyncio.run(_request_aio(settings))
    retries = Retries(attempts=_TRIES)
    with EkycClient(settings, retries=retries) as client:
        if given.call == SUBMIT:
            return client.submit(io.BytesIO(_NUMBERS), len(_NUMBERS), "amazon")
        if given.call == BALANCE:
            return client.get_balance()
        if given.call == STATUS:
            return client.get_task(TASK_ID)
        with spool_file(spool_dir) as file:
            url = f"{server.url}/result.zip?{QUERY}"
            return download(client.result_connection, lambda: url, GrowingFile(file), retries=retries)


async def _request_aio(settings: EkycSettings) -> Task:
    from airflow_provider_ekyc.api.aio import get_task, shared_session

    async with shared_session() as session:
        return await get_task(session, settings, TASK_ID)


def _check_value(given: AnswerInput, value: Any) -> str:
    kinds: dict[str, tuple[type, ...]] = {BALANCE: (Balance,), RESULT: (ResultHead, FileSums)}
    if not isinstance(value, kinds.get(given.call, (Task,))):
        return f"read as {type(value).__name__}"
    if isinstance(value, Task):
        if given.call == STATUS and value.ekyc_task_id != TASK_ID:
            return "another task's answer was accepted"
        if not value.ekyc_task_id.strip():
            return "a task without an id"
        if any(count is not None and count < 0 for count in (value.total, value.success, value.failure)):
            return "a count below 0"
    if isinstance(value, Balance) and value.balance != value.balance:
        return "a balance that is no number"
    attributes = {"task_id": "ekyc_task_id", "balance": "balance", "size": "size"}
    is_right = all(getattr(value, attributes[name], None) == wanted for name, wanted in given.expected.items())
    return "" if is_right else "read as something else"


def _check_error(given: AnswerInput, error: EkycError) -> str:
    if given.expected:
        return "a whole answer was refused"
    if not isinstance(error, EkycApiError):
        return "" if isinstance(error, EkycResultError) and given.wire else f"refused as {type(error).__name__}"
    if error.retry_after is not None and not 0.0 <= error.retry_after <= 3600.0:
        return "a Retry-After out of its bounds"
    if given.call != SUBMIT or given.wire:
        return ""
    if _has_id(given) and not error.possible_ids:
        return "a submission that was accepted, with its id, was lost"
    # What may have been charged must be said so, and must not be sent again.
    if error.outcome is not Outcome.UNKNOWN and not _is_called_free(given):
        return f"a submission answered with {given.status} was said to be {error.outcome}"
    unknown = error.outcome is Outcome.UNKNOWN
    return "what may have been charged would be sent again" if unknown and error.retryable else ""


def _fields_of(given: AnswerInput) -> dict[str, Any]:
    """Return the body's fields; none if it is no JSON object."""
    try:
        fields = json.loads(given.data)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _is_called_free(given: AnswerInput) -> bool:
    """Whether the vendor's pages call the code free and the body is an object that says why."""
    says_why = any(_fields_of(given).get(name) for name in ("error", "message", "msg"))
    return says_why and given.status in (400, 401, 402, 413, 429, 500)


def _has_id(given: AnswerInput) -> bool:
    named = _fields_of(given).get("task_id") if 200 <= given.status < 300 else None
    # Half a character, or a control character, is no text that could be sent back; "None" is what an empty template
    # gives, so no id of that name could be waited for.
    return isinstance(named, str) and named.strip() not in ("", "None") and named.strip().isprintable()
