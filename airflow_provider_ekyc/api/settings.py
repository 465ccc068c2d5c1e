"""
What a client needs: base URL, key, time-outs, TLS, proxy, row limits, from where results may be downloaded.

Read from the plain parts of an Airflow Connection, so that nothing here needs Airflow. Checked at once: a
wrong setting is an error before any call, and the error never shows the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_ekyc.api.prices import read_prices
from airflow_provider_ekyc.api.result_hosts import DEFAULT_RESULT_HOSTS, ResultHost, read_result_host
from airflow_provider_ekyc.arguments import read_bool, read_number, read_task_type
from airflow_provider_ekyc.exceptions import EkycSettingsError

DEFAULT_BASE_URL = "https://api.ekycpro.com"

#: Rows that a task type accepts, from the vendor's pages; raised before, so each can be set by ``row_limits``.
DEFAULT_MIN_ROWS = 100
DEFAULT_MAX_ROWS = 10_000_000


@dataclass(frozen=True, slots=True)
class EkycSettings:
    """
    Settings of one connection.

    :param base_url: scheme, host and port (and path, behind a gateway), without a slash or ``/v1`` at the end
    :param api_key: sent as ``X-API-Key`` to ``base_url`` alone
    :param connect_timeout: seconds to wait for a connection
    :param read_timeout: seconds to wait for a whole answer of the API, and for the next bytes of a result
    :param submit_timeout: seconds to wait for the answer once an upload is complete
    :param verify: whether to check TLS certificates
    :param ca_file: PEM file of the authorities to trust instead of the usual ones
    :param proxy: URL of an HTTP proxy, instead of the environment's
    :param result_hosts: where a result may be downloaded from
    :param account: label of the paying account (scope of a submission; never the key)
    :param row_limits: task type -> (least, most) rows
    :param prices: task type -> price of one number, in the unit of the account's balance
    :param journal_uri: where submissions with this connection are remembered, or None
    :param console_url: address of a remote task in the vendor's console, with ``{ekyc_task_id}`` in it, or None
    """

    base_url: str
    api_key: str = field(repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    submit_timeout: float = 600.0
    verify: bool = True
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    result_hosts: tuple[ResultHost, ...] = DEFAULT_RESULT_HOSTS
    account: str = ""
    row_limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    journal_uri: str | None = None
    console_url: str | None = None

    @property
    def scope_url(self) -> str:
        """
        The base URL in the one spelling that names the API in a record, however the connection writes it.

        http and https, ports 80 and 443 and none, the case of the host, a dot at its end, an address or a name in
        another notation, and ``/v1`` at the end make no difference. It is not a URL to send anything to.
        """
        parts = urlsplit(self.base_url)
        host = (parts.hostname or "").removesuffix(".")
        try:
            host = str(ip_address(host))
        except ValueError:
            host = host.encode("idna").decode("ascii")
        shown_host = f"[{host}]" if ":" in host else host
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
        return f"https://{shown_host}{port}{_api_path(parts.path)}"

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine, as the sandbox is."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    def limits(self, task_type: str) -> tuple[int, int]:
        """Return the least and the most rows of a submission of this type."""
        return self.row_limits.get(task_type, (DEFAULT_MIN_ROWS, DEFAULT_MAX_ROWS))

    def price(self, task_type: str) -> Decimal | None:
        """Return what one number of this type costs; None if the connection does not say so, which is not "free"."""
        return self.prices.get(task_type)


#: Names that the connection's extra may have; any other is an error, so that a typo is noticed.
EXTRA_NAMES = (
    "account",
    "ca_file",
    "connect_timeout",
    "console_url",
    "journal_uri",
    "prices",
    "proxy",
    "read_timeout",
    "result_hosts",
    "row_limits",
    "submit_timeout",
    "verify",
)


def read_settings(
    conn_id: str,
    *,
    host: str | None,
    schema: str | None = None,
    port: int | None = None,
    password: str | None,
    extra: object,
) -> EkycSettings:
    """
    Read the settings from the parts of an Airflow Connection.

    :param conn_id: named in errors; the default of ``account``
    :raises EkycSettingsError: if a part is missing or wrong; the message names the part
    """
    if not isinstance(extra, Mapping):
        raise connection_error(conn_id, "the extra must be a JSON object.")
    unknown = sorted(set(extra) - set(EXTRA_NAMES))
    if unknown:
        raise connection_error(conn_id, f"unknown extra {', '.join(unknown)}; known are {', '.join(EXTRA_NAMES)}.")
    # An empty field of the connection form arrives as "" and means "not set".
    given = {name: value for name, value in extra.items() if value is not None and value != ""}
    try:
        return EkycSettings(
            base_url=_base_url(host, schema, port),
            api_key=_api_key(password),
            connect_timeout=_seconds("connect_timeout", given, 10.0),
            read_timeout=_seconds("read_timeout", given, 60.0),
            submit_timeout=_seconds("submit_timeout", given, 600.0),
            verify=read_bool("verify", given.get("verify", True)),
            ca_file=_text("ca_file", given),
            proxy=_proxy(given),
            result_hosts=_result_hosts(given),
            account=_text("account", given) or conn_id,
            row_limits=_row_limits(given),
            prices=read_prices(given.get("prices", {})),
            journal_uri=_text("journal_uri", given),
            console_url=_console_url(given),
        )
    except EkycSettingsError as error:
        raise connection_error(conn_id, error.message) from None


class EkycConnectionFieldError(EkycSettingsError):
    """
    A field of the connection is wrong.

    :param conn_id: the connection
    :param problem: which field, and what it must be: a sentence for the form
    """

    def __init__(self, conn_id: str, problem: str) -> None:
        super().__init__(
            f"Connection {conn_id!r}: {problem} No request was sent. A retry can't help before the connection is "
            f"corrected."
        )
        self.problem = problem

    def __reduce__(self) -> tuple[object, ...]:
        return EkycSettingsError, (self.message,)


def connection_error(conn_id: str, problem: str) -> EkycSettingsError:
    """Return the error of a connection that can't be used."""
    return EkycConnectionFieldError(conn_id, problem)


def _base_url(host: str | None, schema: str | None, port: int | None) -> str:
    host = (host or "").strip() or DEFAULT_BASE_URL
    if "://" not in host:
        host = f"{schema or 'https'}://{host}"
    parts = split_address(host)
    if parts is None or not re.fullmatch(r"[^\s\\]+", host):
        raise EkycSettingsError("host is not a URL.")
    if parts.scheme not in ("http", "https"):
        raise EkycSettingsError("host must be the base URL of the API, such as https://api.ekycpro.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EkycSettingsError("host must be a bare base URL; the API key belongs in the password field.")
    port = parts.port or port  # 0 is what a form sends for an empty field
    if port and not 0 < port < 65_536:
        raise EkycSettingsError("port must be from 1 to 65535, or empty for the one of the scheme (443 for https).")
    name = parts.hostname or ""
    # Certificates name hosts without the dot at the end. A name of one label keeps it: there it has a meaning,
    # "do not try my search domains".
    if name.endswith(".") and "." in name[:-1]:
        name = name[:-1]
    host = f"[{name}]" if ":" in name else name
    shown_port = f":{port}" if port and port != {"http": 80, "https": 443}[parts.scheme] else ""
    return f"{parts.scheme}://{host}{shown_port}{_api_path(parts.path)}"


def split_address(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if its host is none that can be looked up, or its port none."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        if ":" in name:
            ip_address(name)
        # Empty labels and those that are too long have no IDNA form. An underscore is in names of containers.
        elif not re.fullmatch(rb"[a-z0-9._-]+", name.encode("idna")):
            return None
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _api_path(path: str) -> str:
    """Return the path of a base URL without the ``/v1`` with which the path of each call begins."""
    return re.sub(r"/v1\Z", "", path.rstrip("/"), flags=re.IGNORECASE).rstrip("/")


def _api_key(password: str | None) -> str:
    key = (password or "").strip()
    if not key:
        raise EkycSettingsError("no API key; put it in the password field.")
    # The HTTP libraries quote a bad header value in their errors, so it must never reach them.
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise EkycSettingsError("the API key (password) contains blanks, line ends or non-ASCII characters.")
    return key


def _seconds(name: str, extra: Mapping[str, Any], default: float) -> float:
    # A day at the most: sockets refuse what they can't count.
    return read_number(name, extra.get(name, default), least=0.1, most=86_400)


def _text(name: str, extra: Mapping[str, Any]) -> str | None:
    """Return a text without blanks around it, which in ``account`` or ``journal_uri`` would hide earlier records."""
    value = extra.get(name)
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    raise EkycSettingsError(f"{name} must be text.")


def _proxy(extra: Mapping[str, Any]) -> str | None:
    proxy = _text("proxy", extra)
    parts = split_address(proxy or "")
    if proxy and (parts is None or parts.scheme not in ("http", "https")):
        raise EkycSettingsError(
            "proxy must be a URL such as http://proxy.example:3128. Special characters of a user name or a password in "
            "it are written as in %40 for @."
        )
    return proxy


def _console_url(extra: Mapping[str, Any]) -> str | None:
    """Return the address, which becomes a link of a page: of the web, and without credentials, which all would see."""
    url = _text("console_url", extra)
    if url is not None and not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", url):
        raise EkycSettingsError(
            "console_url must be an http or https URL without credentials, such as "
            "https://console.example/tasks/{ekyc_task_id}."
        )
    return url


def _result_hosts(extra: Mapping[str, Any]) -> tuple[ResultHost, ...]:
    value = extra.get("result_hosts")
    if value is None:
        return DEFAULT_RESULT_HOSTS
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) for entry in entries):
        raise EkycSettingsError("result_hosts must be a list, or text with commas.")
    hosts = tuple(read_result_host(entry) for entry in entries if entry.strip())
    if not hosts:
        raise EkycSettingsError("result_hosts is empty; leave it out for Amazon's S3.")
    return hosts


def _row_limits(extra: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Read ``{"amazon": [100, 10000000]}``, or the same as text: ``amazon=100-10000000, ws=50-1000000``."""
    value = extra.get("row_limits", {})
    wrong = EkycSettingsError('row_limits must look like {"amazon": [100, 10000000]} or amazon=100-10000000.')
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)  # as the form's field accepts it
        except ValueError:
            raise wrong from None
    if isinstance(value, str):
        value = dict(_split_limit(entry, wrong) for entry in value.split(",") if entry.strip())
    if not isinstance(value, Mapping):
        raise wrong
    limits: dict[str, tuple[int, int]] = {}
    for task_type, pair in value.items():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise wrong
        least, most = (read_number(f"row_limits of {task_type}", end) for end in pair)
        if least > most or not (least.is_integer() and most.is_integer()):
            raise wrong
        limits[read_task_type(task_type)] = (int(least), int(most))
    return limits


def _split_limit(entry: str, wrong: EkycSettingsError) -> tuple[str, list[str]]:
    match = re.fullmatch(r"([^=]+)=\s*(\d+)\s*-\s*(\d+)\s*", entry)
    if match is None:
        raise wrong
    return match[1], [match[2], match[3]]
