"""
Whether a connection works, in words for the person who fills in the form: which host, and which field is wrong.

One balance query, which is free. The failures of the libraries are read by their classes and codes, never shown by
their texts, which quote URLs.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from airflow_provider_ekyc.api.answers import Author, HttpAnswer, author_of
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.environment import http_proxy
from airflow_provider_ekyc.api.failures import server_message
from airflow_provider_ekyc.api.protocol import balance_query
from airflow_provider_ekyc.api.settings import EkycConnectionFieldError, EkycSettings
from airflow_provider_ekyc.api.transport import FAILURES
from airflow_provider_ekyc.exceptions import EkycApiError, EkycError
from airflow_provider_ekyc.redaction import redact

#: Seconds that a person waits before a form, at the most, to connect and for the answer.
PATIENCE = 15.0

# OpenSSL's codes of a certificate that is not accepted (X509_V_ERR_*).
_EXPIRED, _NOT_YET_VALID, _OTHER_NAMES = 10, 9, frozenset({62, 64})

# OpenSSL's reasons that mean "this is not TLS".
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
_NO_TLS_TEXT = "record layer failure"  # OpenSSL 3.2 and later, without a reason of its own

# How servers word that they were spoken to without TLS: nginx, Apache, Go.
_WANTS_TLS = re.compile(rb"plain HTTP request|speaking plain HTTP|HTTP request to an HTTPS", re.IGNORECASE)

# A TLS record, such as the alert with which a server refuses what is not TLS.
_TLS_RECORD = re.compile(r"[\x14-\x17]\x03[\x00-\x04]")


def check_connection(settings: EkycSettings) -> tuple[bool, str]:
    """
    Query the balance once.

    :param settings: of the connection
    :return: whether the key is accepted and the account can pay, and one or two sentences for the form
    """
    place = _Place(settings)
    query = balance_query(settings)
    patient = replace(
        settings,
        connect_timeout=min(settings.connect_timeout, PATIENCE),
        read_timeout=min(settings.read_timeout, PATIENCE),
    )
    try:
        with EkycClient(patient) as client:
            answer = client.ask_once(query.request)
    except EkycApiError:
        return False, place.broken_off
    except EkycError as error:  # what the machine has: certificates, a proxy of the environment
        return False, error.message
    except FAILURES as error:
        return False, _no_answer(place, error)
    try:
        return True, _success(settings, place, query.read(answer).balance)
    except EkycApiError:
        return False, _other_answer(place, answer) if answer.status < 300 else _refusal(place, answer, settings)


def field_problem(error: EkycError) -> str:
    """
    Return what is wrong with a connection whose fields can't be read, without its id, which is made up in a test.

    :param error: of :func:`~airflow_provider_ekyc.api.settings.read_settings`
    """
    problem = error.problem if isinstance(error, EkycConnectionFieldError) else error.message
    return problem[:1].upper() + problem[1:]


class _Place:
    """
    Names of what the connection leads to, for messages.

    :param settings: of the connection
    """

    def __init__(self, settings: EkycSettings) -> None:
        parts = urlsplit(settings.base_url)
        self.is_tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.is_tls else 80)
        self.shown = f"{self.host}, port {self.port}"
        self.seconds = min(settings.connect_timeout, PATIENCE)
        self.answer_seconds = min(settings.read_timeout, PATIENCE)
        self.proxy = ""
        #: Whether the environment names a proxy whose URL is not that of an http or https proxy.
        self.has_unknown_proxy = False
        try:
            proxy = urlsplit(http_proxy(settings) or "")
            if proxy.hostname:
                port = proxy.port or (443 if proxy.scheme == "https" else 80)
                self.proxy = f"{proxy.hostname}, port {port}"
        except EkycError:
            self.has_unknown_proxy = True

    @property
    def proxy_shown(self) -> str:
        """The beginning of a sentence about the proxy."""
        return f"The proxy {self.proxy or 'before the API'}"

    @property
    def broken_off(self) -> str:
        """A sentence about a connection that ends without an answer."""
        hint = (
            "Check the port."
            if self.is_tls
            else "It may expect TLS: try https:// in the base URL. Otherwise check the port."
        )
        return f"{self.shown}: the connection ended without an answer. {hint}"


def _success(settings: EkycSettings, place: _Place, balance: float) -> str:
    said = f"{place.shown}: the API accepts the key. Balance: {balance:,.2f}."
    if not place.is_tls and not settings.is_local:
        said += " The connection is not encrypted: the key and the numbers can be read on the way. Use https://."
    return said


def _refusal(place: _Place, answer: HttpAnswer, settings: EkycSettings) -> str:
    """Return what an answer with an error's status means for the fields of the form."""
    status, author = answer.status, author_of(answer)
    if not place.is_tls and _WANTS_TLS.search(answer.body[:4096]):
        return f"{place.shown} expects TLS. Write https:// into the base URL."
    if status == 407:
        return f"{place.proxy_shown} wants other credentials (407). Put them into the proxy's URL."
    if 300 <= status < 400:
        return _redirect(place, answer)
    if status in (404, 405) and author is not Author.VENDOR:
        return (
            f"{place.shown} answers, and has no eKYC API at this address ({status}). Check the base URL and its path."
        )
    if status == 429 or status >= 500:
        return (
            f"{place.shown} is reached and can't answer now ({status}), so the key was not checked. Test again later."
        )
    if author is not Author.VENDOR:
        return _other_answer(place, answer)
    said = server_message(answer.body, lambda text: redact(text, secrets=(settings.api_key,)))
    quoted = f' It says: "{said}"' if said else ""
    if status in (401, 403):
        return f"{place.shown}: the API does not accept this key ({status}). Check the API key.{quoted}"
    if status == 402:
        return f"{place.shown}: the API accepts the key; the account's balance is too low (402). Top it up.{quoted}"
    if status in (404, 405):
        return f"{place.shown}: the API has no balance query at this address ({status}). Check the base URL.{quoted}"
    return f"{place.shown}: the API refused the balance query ({status}).{quoted}"


def _redirect(place: _Place, answer: HttpAnswer) -> str:
    """Return where a redirect leads, if that is a plain host; it is not followed, since the key goes to one host."""
    try:
        target = urlsplit(answer.header("location"))
    except ValueError:  # its text quotes the server's
        target = urlsplit("")
    name = target.hostname or ""
    try:
        port = f":{target.port}" if target.port else ""
    except ValueError:
        port = ""
    known = target.scheme in ("http", "https") and re.fullmatch(r"[a-z0-9.-]{1,253}", name)
    shown = f" to {target.scheme}://{name}{port}" if known else ""
    return (
        f"{place.shown} answers with a redirect{shown} ({answer.status}), which is not followed. Check the base URL; "
        f"or a sign-in page or a proxy answers in place of the API."
    )


def _other_answer(place: _Place, answer: HttpAnswer) -> str:
    """Return what a page means that is not the API's."""
    author = author_of(answer)
    what = author.value if author is not Author.VENDOR else "JSON that is not the API's"
    through = f" It came through the proxy {place.proxy}." if place.proxy else ""
    return (
        f"{place.shown} answers with {what} ({answer.status}), so it is not the eKYC API: a proxy, a sign-in "
        f"page or another server. Check the base URL and the port.{through}"
    )


def _no_answer(place: _Place, error: BaseException) -> str:
    """Return which of name, port, TLS and proxy is the reason that there is no answer."""
    causes = list(_causes(error))
    if any(isinstance(each, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for each in causes):
        return _proxy_failure(place, causes)
    # InvalidSchema is that of a SOCKS proxy without PySocks.
    not_usable = requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema
    if place.has_unknown_proxy and isinstance(error, not_usable):
        return _proxy_failure(place, causes)
    through = f" The proxy {place.proxy} is used." if place.proxy else ""
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"{_certificate(place, each.verify_code)}{through}"
    for each in causes:
        if isinstance(each, ssl.SSLError):
            return f"{_tls_failure(place, each)}{through}"
    for each in causes:
        if isinstance(each, socket.gaierror | urllib3.exceptions.NameResolutionError):
            return f"The name {place.host} can't be resolved. Check the base URL, and this machine's DNS."
        if isinstance(each, ConnectionRefusedError):
            return (
                f"{place.shown} refuses connections. Check the port: 443 is usual for https://, 80 for http://. Or the "
                f"server is down.{through}"
            )
    for each in causes:
        # urllib3 derives "could not connect" from "timed out while connecting".
        if isinstance(each, urllib3.exceptions.ConnectTimeoutError | TimeoutError) and not isinstance(
            each, urllib3.exceptions.NewConnectionError
        ):
            return (
                f"{place.shown} can't be reached within {place.seconds:g} s. Check the base URL, the port, and whether "
                f"a firewall or a proxy is between.{through}"
            )
        if isinstance(each, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError | TimeoutError):
            return (
                f"{place.shown} accepts the connection and does not answer within {place.answer_seconds:g} s. Check "
                f"the port, and whether it is that of {'https' if place.is_tls else 'http'}.{through}"
            )
    for each in causes:
        if isinstance(each, http.client.BadStatusLine) and not isinstance(each, http.client.RemoteDisconnected):
            if _TLS_RECORD.match(str(each.args[0]) if each.args else ""):
                return f"{place.shown} expects TLS. Write https:// into the base URL."
            return f"{place.shown} does not speak HTTP. Check the port."
    for each in causes:
        if isinstance(each, OSError) and each.errno is not None and not isinstance(each, ConnectionError):
            return f"{place.shown} can't be reached ({type(each).__name__}: {each.strerror}). Check the base URL."
    return f"{place.broken_off}{through}"


def _certificate(place: _Place, code: int) -> str:
    if code in _OTHER_NAMES:
        return f"{place.shown}: its TLS certificate is for another name. Check the base URL."
    if code in (_EXPIRED, _NOT_YET_VALID):
        when = "has expired" if code == _EXPIRED else "is not valid yet"
        return f"{place.shown}: its TLS certificate {when}. Check this machine's clock, or ask who runs the server."
    return (
        f"{place.shown}: its TLS certificate is from an authority that is not trusted. Name the authority's PEM file "
        f"in the field CA file. A proxy that opens TLS has an authority of its own."
    )


def _tls_failure(place: _Place, error: ssl.SSLError) -> str:
    reason = str(getattr(error, "reason", "") or "")
    if reason in _NO_TLS or _NO_TLS_TEXT in str(error).lower():
        return (
            f"{place.shown} does not speak TLS. Check the port: 443 is usual for https://. For a server without TLS "
            f"write http:// into the base URL."
        )
    shown = f" ({reason})" if re.fullmatch(r"[A-Z0-9_]{1,60}", reason) else ""
    return f"{place.shown}: TLS failed{shown}. Check the port, and that the server supports TLS 1.2 or later."


def _proxy_failure(place: _Place, causes: list[BaseException]) -> str:
    proxy = place.proxy_shown
    texts = " ".join(str(each) for each in causes)
    refused = re.search(r"Tunnel connection failed: (\d{3})", texts)
    if refused and refused[1] == "407":
        return f"{proxy} wants other credentials (407). Put them into the proxy's URL."
    if refused:
        return f"{proxy} refuses a connection to {place.shown} ({refused[1]}). Check the base URL, or ask who runs it."
    if any(isinstance(each, socket.gaierror | urllib3.exceptions.NameResolutionError) for each in causes):
        return f"{proxy}: its name can't be resolved. Check the field Proxy, or HTTP_PROXY and HTTPS_PROXY."
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return f"{proxy} refuses connections. Check its port in the field Proxy, or HTTP_PROXY and HTTPS_PROXY."
    return f"{proxy} can't be used. Check the field Proxy, or HTTP_PROXY and HTTPS_PROXY."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it refers to, the outermost first."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        named = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [other for other in named if isinstance(other, BaseException)]
