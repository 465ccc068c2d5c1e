"""
The client on a worker: requests below, the shared protocol above. Thin.

The key goes to the connection's host alone: no redirect is followed, no netrc is read, and a result is
fetched with a session that never knew the key.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO, TypeVar

import requests

from airflow_provider_ekyc.api.answers import ANSWER_LIMIT, STATUS_ANSWER_LIMIT, Call, HttpAnswer
from airflow_provider_ekyc.api.bounded import ApiAdapter
from airflow_provider_ekyc.api.environment import trust
from airflow_provider_ekyc.api.failures import classify_transport
from airflow_provider_ekyc.api.hidden_queries import hidden_queries
from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.api.protocol import (
    Query,
    Request,
    balance_query,
    read_submission_answer,
    status_query,
    submit_request,
)
from airflow_provider_ekyc.api.result_connection import ResultConnection
from airflow_provider_ekyc.api.result_stream import ResultStream
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.api.sent_numbers import SentFile
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.api.transport import FAILURES, failure_kind, new_session, read_body, utc_now
from airflow_provider_ekyc.api.upload import UploadAdapter, UploadBody

log = logging.getLogger(__name__)

_Model = TypeVar("_Model")


class EkycClient:
    """
    Client of the API, with requests. Use it as a context manager, or close it.

    :param settings: of the connection
    :param retries: caps for the queries, which may be repeated; ``Retries(attempts=1)`` repeats nothing
    :param now: the clock, for ``Retry-After`` dates
    :raises EkycSettingsError: if the certificates to trust can't be read
    """

    def __init__(
        self,
        settings: EkycSettings,
        *,
        retries: Retries | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if settings.ca_file or (settings.verify and settings.base_url.startswith("https")):
            trust(settings)  # found now, and as in the triggerer, rather than in the middle of a call
        self.settings = settings
        self._retries = retries or Retries()
        self._now = now
        self._session = new_session(ApiAdapter())

    def __enter__(self) -> EkycClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        """
        Send a file once; every accepted call is charged.

        It is never sent again here, with any ``retries``: the caller, who knows the other tries of the task, decides
        how often it is sent.

        :param file: seekable, one number a line
        :param size: bytes in ``file``
        :raises EkycApiError: ``retryable`` says whether it may be sent again: only if ``outcome`` is ``NOT_SENT`` or
            ``REFUSED``; ``UNKNOWN`` if it may have been accepted
        """
        parts = submit_request(self.settings, task_type, f"ekyc-{secrets.token_hex(16)}")
        body = UploadBody(parts.head, file, size, parts.tail)
        with new_session(UploadAdapter()) as session:
            answer = self._exchange(session, parts.request, body, self.settings.submit_timeout)
        return read_submission_answer(self.settings, answer, sent=SentFile(file))

    def get_task(self, ekyc_task_id: object) -> Task:
        """
        Ask for a task's status; an answered call may be charged.

        :param ekyc_task_id: what :func:`~airflow_provider_ekyc.api.task_ids.checked_task_id` accepts
        :raises EkycApiError: classified
        :raises EkycSettingsError: if the id can't be one
        """
        task: Task = retrying(self._retries, log)(self._ask, status_query(self.settings, ekyc_task_id))
        return task

    def get_balance(self, *, once: bool = False) -> Balance:
        """
        Ask for the account's balance; free.

        :param once: whether to try only once
        :raises EkycApiError: classified
        """
        query = balance_query(self.settings)
        return self._ask(query) if once else retrying(self._retries, log)(self._ask, query)

    def result_connection(self) -> ResultConnection:
        """Return a connection to the store that has the result, for one thread."""
        return ResultConnection(self.settings, self._now)

    @contextmanager
    def open_result(self, url: str, *, offset: int = 0, etag: str | None = None) -> Iterator[ResultStream]:
        """
        Open a result for streaming over a connection of its own. One try.

        The parameters and errors are those of :meth:`ResultConnection.open`.
        """
        with self.result_connection() as connection, connection.open(url, offset=offset, etag=etag) as stream:
            yield stream

    def ask_once(self, request: Request) -> HttpAnswer:
        """
        Send a query once and return the answer, whatever its status is.

        :raises OSError: or another of :data:`~airflow_provider_ekyc.api.transport.FAILURES`, as the library raised it:
            its text may quote what must not be shown
        :raises EkycApiError: if the answer breaks off
        """
        return self._send(self._session, request, request.body, self.settings.read_timeout)

    def _ask(self, query: Query[_Model]) -> _Model:
        request = query.request
        return query.read(self._exchange(self._session, request, request.body, self.settings.read_timeout))

    def _exchange(
        self, session: requests.Session, request: Request, body: bytes | UploadBody, timeout: float
    ) -> HttpAnswer:
        try:
            return self._send(session, request, body, timeout)
        except FAILURES as error:
            sent = body.started if isinstance(body, UploadBody) else True
            raise classify_transport(request.call, failure_kind(error), sent=sent) from None

    def _send(
        self, session: requests.Session, request: Request, body: bytes | UploadBody, timeout: float
    ) -> HttpAnswer:
        with hidden_queries():
            response = session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=body,
                stream=True,
                allow_redirects=False,
                timeout=(self.settings.connect_timeout, timeout),
                verify=(self.settings.ca_file or True) if self.settings.verify else False,
                proxies=self._proxies(),
            )
        with response:
            limit = STATUS_ANSWER_LIMIT + 1 if request.call is Call.STATUS else ANSWER_LIMIT
            answer = self._read(request.call, response, limit)
        if isinstance(body, UploadBody) and not body.finished:
            answer = replace(answer, request_sent=False)
        return answer

    def _read(self, call: Call, response: requests.Response, limit: int) -> HttpAnswer:
        body, broken_off = read_body(response, limit)
        # The code of a refusal stands, whatever became of its text; and what arrived may hold the id of what was paid.
        if broken_off and response.status_code < 400 and call is not Call.SUBMIT:
            raise classify_transport(call, broken_off, sent=True)
        return HttpAnswer(response.status_code, dict(response.headers), body, self._now(), broken_off)

    def _proxies(self) -> dict[str, str] | None:
        proxy = self.settings.proxy
        return {"http": proxy, "https": proxy} if proxy else None
