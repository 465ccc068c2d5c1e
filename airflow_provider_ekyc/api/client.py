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
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from itertools import islice
from typing import BinaryIO

import requests
import urllib3.exceptions

from airflow_provider_ekyc.api.answers import ANSWER_LIMIT, STATUS_ANSWER_LIMIT, Call, HttpAnswer
from airflow_provider_ekyc.api.bounded import ApiAdapter, ResultAdapter
from airflow_provider_ekyc.api.environment import trust
from airflow_provider_ekyc.api.failures import classify_result_status, classify_transport
from airflow_provider_ekyc.api.hidden_queries import hidden_queries
from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.api.protocol import (
    Request,
    balance_request,
    checked_task_id,
    read_balance_answer,
    read_status_answer,
    read_submission_answer,
    status_request,
    submit_request,
)
from airflow_provider_ekyc.api.result_hosts import find_result_host
from airflow_provider_ekyc.api.result_stream import ResultStream, read_result_head
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.api.sent_numbers import SentFile
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.api.upload import UploadAdapter, UploadBody

# What requests lets through of the libraries below it beside its own errors.
_FAILURES = (OSError, urllib3.exceptions.HTTPError)

log = logging.getLogger(__name__)

#: Bytes of a result handed on at a time. Some breaks lose the block they fall into, so not more than this.
BLOCK = 256 * 1024


def utc_now() -> datetime:
    """Return the present, aware."""
    return datetime.now(UTC)


class EkycClient:
    """
    Speaks the API with requests. Use it as a context manager, or close it.

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
        self._session = _session(ApiAdapter())

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

        It is never sent again here, whatever ``retries`` says: how often it may be sent again in all is for the
        caller to decide, who remembers the other tries of the task.

        :param file: seekable, one number a line
        :param size: bytes in ``file``
        :raises EkycApiError: ``retryable`` says whether it may be sent again: only if ``outcome`` is ``NOT_SENT`` or
            ``REFUSED``; ``UNKNOWN`` if it may have been taken
        """
        parts = submit_request(self.settings, task_type, f"ekyc-{secrets.token_hex(16)}")
        body = UploadBody(parts.head, file, size, parts.tail)
        with _session(UploadAdapter()) as session:
            answer = self._exchange(session, parts.request, body, self.settings.submit_timeout)
        return read_submission_answer(self.settings, answer, sent=SentFile(file))

    def task(self, ekyc_task_id: str) -> Task:
        """
        Ask for a task's status; an answered call may be charged.

        :raises EkycApiError: classified
        """
        ekyc_task_id = checked_task_id(ekyc_task_id)
        request = status_request(self.settings, ekyc_task_id)

        def ask() -> Task:
            return read_status_answer(self.settings, ekyc_task_id, self._ask(request))

        return retrying(self._retries, log)(ask)

    def balance(self, *, once: bool = False) -> Balance:
        """
        Ask for the account's balance; free.

        :param once: whether to try only once
        :raises EkycApiError: classified
        """
        request = balance_request(self.settings)

        def ask() -> Balance:
            return read_balance_answer(self.settings, self._ask(request))

        return ask() if once else retrying(self._retries, log)(ask)

    @contextmanager
    def open_result(self, url: str, *, offset: int = 0, etag: str | None = None) -> Iterator[ResultStream]:
        """
        Open a result for streaming, without the key. One try.

        :param url: the presigned URL, straight from a status answer
        :param offset: bytes that are there already; the server may start at 0 all the same
        :param etag: of the bytes that are there already
        :raises EkycResultError: if the URL's origin is not allowed
        :raises EkycApiError: classified; :class:`EkycExpiredUrlError` if the URL is no longer valid
        """
        host = find_result_host(url, self.settings.result_hosts)
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if etag:
                headers["If-Range"] = etag
        verify = False if host.is_origin and not self.settings.verify else self.settings.ca_file or True
        with hidden_queries(), _session(ResultAdapter()) as session:
            try:
                response = session.get(
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self.settings.connect_timeout, self.settings.read_timeout),
                    verify=verify,
                    proxies=self._proxies(),
                )
            except _FAILURES as error:
                raise classify_transport(Call.RESULT, _kind(error), sent=True) from None
            with response:
                if response.status_code not in (200, 206):
                    raise classify_result_status(self._read(Call.RESULT, response, 64 * 1024))
                head = read_result_head(response.status_code, response.headers)
                yield ResultStream(head, _blocks(response))

    def _ask(self, request: Request) -> HttpAnswer:
        return self._exchange(self._session, request, request.body, self.settings.read_timeout)

    def _exchange(
        self, session: requests.Session, request: Request, body: bytes | UploadBody, timeout: float
    ) -> HttpAnswer:
        try:
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
        except _FAILURES as error:
            sent = body.started if isinstance(body, UploadBody) else True
            raise classify_transport(request.call, _kind(error), sent=sent) from None

    def _read(self, call: Call, response: requests.Response, limit: int) -> HttpAnswer:
        body, broken_off = b"", ""
        try:
            for block in _first_bytes_one_by_one(response):
                body += block
                if len(body) >= limit:
                    break
        except _FAILURES as error:
            broken_off = _kind(error)
            # The code of a refusal stands, whatever became of its text; and what arrived may hold the id of what was
            # paid.
            if response.status_code < 400 and call is not Call.SUBMIT:
                raise classify_transport(call, broken_off, sent=True) from None
        return HttpAnswer(response.status_code, dict(response.headers), body[:limit], self._now(), broken_off)

    def _proxies(self) -> dict[str, str] | None:
        proxy = self.settings.proxy
        return {"http": proxy, "https": proxy} if proxy else None


class _Session(requests.Session):
    """Knows no redirects: requests would read the whole body of one to see where it leads, without a bound."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target."""


def _session(adapter: ApiAdapter) -> requests.Session:
    session = _Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    # Set, so that requests does not look into ~/.netrc: S3 refuses a presigned URL with an Authorization.
    session.auth = lambda request: request
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _first_bytes_one_by_one(response: requests.Response) -> Iterator[bytes]:
    """
    Yield a body so that what arrives before it breaks off is not lost.

    urllib3 drops the block in which a body breaks off. The API's answers are shorter than these 4 KiB.
    """
    first = response.raw.stream(1, decode_content=True)
    count = 0
    for byte in islice(first, 4096):
        count += 1
        yield byte
    if count == 4096:
        yield from response.raw.stream(64 * 1024, decode_content=True)
    first.close()  # not sooner: it closes the connection


def _kind(error: Exception) -> str:
    """Name the failure without its text, which quotes the URL and its query."""
    name = type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{name}: the server's certificate is not trusted; the connection's ca_file names who to trust"
    return name


def _blocks(response: requests.Response) -> Iterator[bytes]:
    try:
        # As they come: what the store says of their encoding may be wrong, and the archive is checked in any case.
        yield from response.raw.stream(BLOCK, decode_content=False)
    except _FAILURES as error:
        raise classify_transport(Call.RESULT, _kind(error), sent=True) from None
