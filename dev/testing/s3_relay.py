"""A relay on 127.0.0.1 before a real S3 server: it loses requests and answers, refuses, and ignores conditions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from dev.testing.sockets import SocketServer

#: S3's code of a refusal, where a test does not give one.
_CODES = {403: "AccessDenied", 409: "ConditionalRequestConflict", 500: "InternalError", 503: "SlowDown"}

_CONDITIONS = frozenset({"if-none-match", "if-match"})
_REPLACED = frozenset({*_CONDITIONS, "authorization", "x-amz-date", "x-amz-content-sha256"})


@dataclass
class S3Fault:
    """
    A fault of calls to S3.

    :param call: which calls; see :func:`call_of`
    :param kind: ``cut_before`` (no request reaches S3), ``cut_after`` (its answer is lost), ``status`` (a refusal), or
        ``before`` to call ``act`` alone
    :param key: text in the request's target, such as the object's key
    :param code: S3's code for the refusal
    :param times: how many calls; None for all
    :param act: is called before the request is passed on; with ``cut_after``, before the answer is dropped
    """

    call: str
    kind: str
    key: str = ""
    status: int = 503
    code: str = ""
    times: int | None = 1
    act: Callable[[], None] | None = None

    @property
    def refusal(self) -> bytes:
        """The answer, as S3's XML."""
        code = self.code or _CODES.get(self.status, "MadeUp")
        body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
        head = f"HTTP/1.1 {self.status} Made Up\r\nContent-Type: application/xml\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class S3Relay(SocketServer):
    """
    Passes bytes on, and recognizes requests by how they begin: a client waits for each answer.

    :param endpoint_url: of the S3 server
    :param faults: may be added and removed while the relay runs
    :param ignores_conditions: the client's credentials; with them the relay removes ``If-None-Match`` and ``If-Match``,
        as a store that does not know them ignores them. Both are signed, so the request is signed again.
    """

    def __init__(self, endpoint_url: str, *faults: S3Fault, ignores_conditions: Credentials | None = None) -> None:
        super().__init__(self._pass_on)
        target = urlsplit(endpoint_url)
        self._target = (target.hostname, target.port)
        self._lock = threading.Lock()
        self.faults = list(faults)
        self.ignores_conditions = ignores_conditions
        self.calls: Counter[str] = Counter()

    @property
    def endpoint_url(self) -> str:
        """The address to give to an S3 client."""
        return self.url

    def fault_of(self, data: bytes) -> S3Fault | None:
        """Count the request that begins with these bytes, and return the fault that it gets."""
        first = data.split(b"\r\n", 1)[0].decode("latin-1")
        call = call_of(first)
        if call is None:
            return None
        with self._lock:
            self.calls[call] += 1
            for fault in self.faults:
                if fault.call == call and fault.key in first and fault.times != 0:
                    if fault.times:
                        fault.times -= 1
                    return fault
        return None

    def _pass_on(self, client: socket.socket) -> None:
        client.settimeout(None)
        with socket.create_connection(self._target) as server:
            line = _Line(self, client, server)
            down = threading.Thread(target=line.down, daemon=True)
            down.start()
            line.up()
            down.join()


class _Line:
    """One connection of a client, with its own to the server."""

    def __init__(self, relay: S3Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay, self._client, self._server = relay, client, server
        self._after: S3Fault | None = None

    def up(self) -> None:
        """Pass on what the client sends, until either side closes."""
        with contextlib.suppress(OSError):
            while data := self._client.recv(1 << 16):
                fault = self._relay.fault_of(data)
                if fault is not None and fault.act is not None and fault.kind != "cut_after":
                    fault.act()
                if fault is not None and fault.kind == "cut_before":
                    break
                if fault is not None and fault.kind == "status":
                    self._client.sendall(fault.refusal)
                    self._client.shutdown(socket.SHUT_WR)
                    # All that the client still sends is read: closing before would remove the answer.
                    while self._client.recv(1 << 16):
                        continue
                    break
                if fault is not None and fault.kind == "cut_after":
                    self._after = fault
                if self._relay.ignores_conditions is not None and data.startswith((b"PUT ", b"POST ")):
                    data = without_conditions(data, self._relay.ignores_conditions)
                self._server.sendall(data)
        self._shut_down()

    def down(self) -> None:
        """Pass on what the server answers, until either side closes."""
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self._after is not None and not data.startswith(b"HTTP/1.1 100"):
                    if self._after.act is not None:
                        self._after.act()
                    break
                self._client.sendall(data)
        self._shut_down()

    def _shut_down(self) -> None:
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def call_of(first: str) -> str | None:
    """
    Name a request by its first line.

    :return: ``put``, ``head``, ``get``, ``list``, ``create``, ``part``, ``complete``, ``abort``; None for another
    """
    method, _, rest = first.partition(" ")
    query = rest.partition(" ")[0].partition("?")[2]
    match method:
        case "PUT":
            return "part" if "partNumber=" in query else "put"
        case "POST":
            return "complete" if "uploadId=" in query else "create" if "uploads" in query else None
        case "DELETE":
            return "abort" if "uploadId=" in query else None
        case "GET":
            return "list" if "list-type" in query else "get"
        case "HEAD":
            return "head"
    return None


class _Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Signs a head; of the body it uses the sum that the client has sent."""

    def __init__(self, credentials: Credentials, body_sum: str, region: str) -> None:
        super().__init__(credentials, "s3", region)
        self._body_sum = body_sum

    def payload(self, request: Any) -> str:
        return self._body_sum


def without_conditions(data: bytes, credentials: Credentials) -> bytes:
    """
    Remove the conditions from a request.

    :param data: its first bytes, with all headers
    :param credentials: with which the client signs
    :return: the request; unchanged, if it has no condition
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not end or not _CONDITIONS & headers.keys():
        return data
    method, target, version = first.split(" ")
    # Credential=KEY/DATE/REGION/s3/aws4_request
    region = headers["authorization"].partition("Credential=")[2].split("/")[2]
    kept = {name: value for name, value in headers.items() if name not in _REPLACED}
    request = AWSRequest(method, f"http://{headers['host']}{target}", headers=kept)
    _Signer(credentials, headers["x-amz-content-sha256"], region).add_auth(request)
    signed = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"{method} {target} {version}\r\n{signed}\r\n".encode("latin-1") + rest
