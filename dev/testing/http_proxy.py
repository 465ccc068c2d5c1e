"""An HTTP proxy on 127.0.0.1."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from airflow_provider_ekyc.sandbox.tls import Certificate
from dev.testing.sockets import Request, SocketServer, answer, read_head


@dataclass
class Proxy:
    """
    What a proxy is asked for: absolute URIs for http, CONNECT for https.

    :param refuse: status line with which every request is refused
    """

    refuse: str | None = None
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    url: str = ""

    def talk(self, line: socket.socket) -> None:
        """Pass one request on."""
        request = Request(read_head(line))
        head, target = request.head, request.target
        self.asked.append(f"{request.method} {target}")
        self.heads.append(head)
        if self.refuse:
            line.sendall(answer(self.refuse))
            return
        tunnelled = request.method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnelled else target)
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10) as upstream:
            if tunnelled:
                line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = target.removeprefix(f"{parts.scheme}://{parts.netloc}") or "/"
                upstream.sendall(head.replace(target.encode(), path.encode(), 1))
            _relay(line, upstream)


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 20)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


@contextmanager
def http_proxy(refuse: str | None = None, *, certificate: Certificate | None = None) -> Iterator[Proxy]:
    """
    Run a proxy.

    :param refuse: as for :class:`Proxy`
    :param certificate: with it the proxy itself speaks TLS
    """
    proxy = Proxy(refuse)
    with SocketServer(proxy.talk, certificate=certificate) as server:
        proxy.url = server.url
        yield proxy
