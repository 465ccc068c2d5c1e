"""What every call over requests needs: a session that keeps to one host, the kinds of failure, a bounded body."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from itertools import islice

import requests
import urllib3.exceptions

from airflow_provider_ekyc.api.bounded import ApiAdapter

#: What requests raises, and what it lets through of the libraries below it.
FAILURES = (OSError, urllib3.exceptions.HTTPError)

#: What reading a body raises: urllib3 lets through the ValueError of a chunk whose size is below 0.
BODY_FAILURES = (*FAILURES, ValueError)


def utc_now() -> datetime:
    """Return the present, aware."""
    return datetime.now(UTC)


class _Session(requests.Session):
    """Knows no redirects: requests would read the whole body of one to see where it leads, without a bound."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target."""


def new_session(adapter: ApiAdapter) -> requests.Session:
    """
    Return a session that follows no redirect, keeps no cookie and reads no netrc.

    :param adapter: for both schemes
    """
    session = _Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    # Set, so that requests does not look into ~/.netrc: S3 refuses a presigned URL with an Authorization.
    session.auth = lambda request: request
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def read_body(response: requests.Response, limit: int) -> tuple[bytes, str]:
    """
    Read a body up to a limit, or to where it breaks off.

    :param limit: bytes
    :return: at most ``limit`` bytes, and what broke the body off, or an empty text
    """
    body = b""
    try:
        for block in _first_bytes_one_by_one(response):
            body += block
            if len(body) >= limit:
                break
    except BODY_FAILURES as error:
        return body[:limit], failure_kind(error)
    return body[:limit], ""


def failure_kind(error: Exception) -> str:
    """Name a failure without its text, which quotes the URL and its query."""
    name = type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{name}: the server's certificate is not trusted; the connection's ca_file names who to trust"
    return name


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
