"""
A connection to the store that has the result. It never gets the API key.

A download of several ranges uses several of these, each in a thread of its own. A connection stays open from one
range to the next, because a TLS handshake costs more than many a range.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Self

import requests

from airflow_provider_ekyc.api.answers import Call, HttpAnswer
from airflow_provider_ekyc.api.bounded import ResultAdapter, sockets_noted_by
from airflow_provider_ekyc.api.environment import trust
from airflow_provider_ekyc.api.failures import classify_result_status, classify_transport
from airflow_provider_ekyc.api.hidden_queries import hidden_queries
from airflow_provider_ekyc.api.result_hosts import find_result_host
from airflow_provider_ekyc.api.result_stream import ResultStream, read_result_head
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.api.transport import BODY_FAILURES, FAILURES, failure_kind, new_session, read_body, utc_now
from airflow_provider_ekyc.api.user_agent import user_agent

#: Bytes of a result in one block. A break loses the block that it falls into, so not more than this.
BLOCK = 256 * 1024

# Bytes that are read of an answer that is not the result.
_REFUSAL_LIMIT = 64 * 1024


class ResultConnection:
    """
    Requests a result, or ranges of it. Use it as a context manager, in one thread.

    :param settings: of the Airflow connection
    :param now: the clock, for ``Retry-After`` dates
    """

    def __init__(self, settings: EkycSettings, now: Callable[[], datetime] = utc_now) -> None:
        self._settings, self._now = settings, now
        self._session = new_session(ResultAdapter(partial(trust, settings)))
        self._socket: socket.socket | None = None
        self._is_aborted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @contextmanager
    def open(
        self, url: str, *, offset: int = 0, last: int | None = None, etag: str | None = None
    ) -> Iterator[ResultStream]:
        """
        Request the result, or a range of it, for streaming. One try.

        A presigned URL of S3 signs the host alone, so ``Range`` and ``If-Range`` may be added to it.

        :param url: the presigned URL, straight from a status answer
        :param offset: first byte of the range, or, negative, how many of the last bytes are requested (RFC 9110
            section 14.1.2); the server may start at 0 all the same
        :param last: last byte of the range, None for that of the result
        :param etag: strong ETag of the object that the range must be of; the server may ignore it
        :raises EkycResultError: if the URL's origin is not allowed
        :raises EkycApiError: classified; :class:`EkycExpiredUrlError` if the URL is no longer valid
        """
        if self._is_aborted:
            raise classify_transport(Call.RESULT, "aborted", sent=False)
        host = find_result_host(url, self._settings.result_hosts)
        headers = {"Accept-Encoding": "identity", "User-Agent": user_agent()}
        if offset or last is not None:
            headers["Range"] = f"bytes={offset}" if offset < 0 else f"bytes={offset}-{'' if last is None else last}"
            if etag:
                headers["If-Range"] = etag
        verify = False if host.is_origin and not self._settings.verify else self._settings.ca_file or True
        proxy = self._settings.proxy
        with hidden_queries():
            try:
                with sockets_noted_by(self._note):
                    response = self._session.get(
                        url,
                        headers=headers,
                        stream=True,
                        allow_redirects=False,
                        timeout=(self._settings.connect_timeout, self._settings.read_timeout),
                        verify=verify,
                        proxies={"http": proxy, "https": proxy} if proxy else None,
                    )
            except FAILURES as error:
                raise classify_transport(Call.RESULT, failure_kind(error), sent=True) from None
            with response:
                if response.status_code not in (200, 206):
                    body, broken_off = read_body(response, _REFUSAL_LIMIT)
                    raise classify_result_status(
                        HttpAnswer(response.status_code, dict(response.headers), body, self._now(), broken_off)
                    )
                yield ResultStream(read_result_head(response.status_code, response.headers), _blocks(response))

    def abort(self) -> None:
        """
        End what the connection waits for, and all that it is used for later; may be called from any thread.

        A thread that is connecting notices it when it is connected, or at the ``connect_timeout``.
        """
        self._is_aborted = True
        if self._socket is not None:
            # Of the class below TLS: SSLSocket's own would hand out what is still to be decrypted.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _note(self, used: socket.socket) -> None:
        """Remember the socket that is read from."""
        # Where the proxy has TLS, too, urllib3 reads from an object around the socket.
        self._socket = getattr(used, "socket", used)
        if self._is_aborted:
            self.abort()


def _blocks(response: requests.Response) -> Iterator[bytes]:
    try:
        # As they are sent: what the store says of their encoding may be wrong, and the archive is checked in any case.
        yield from response.raw.stream(BLOCK, decode_content=False)
    except BODY_FAILURES as error:
        raise classify_transport(Call.RESULT, failure_kind(error), sent=True) from None
