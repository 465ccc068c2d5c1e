"""A web server with the page's own scripts, and with answers that a test writes."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_ekyc import plugins

STATIC = Path(next(iter(plugins.__path__))) / "static"

#: Where this server puts Airflow, as behind a proxy with a path.
BASE = "/airflow/"


@dataclass
class Answer:
    """What the server says once.

    :param body: JSON, or a text
    :param closes: whether the connection is closed instead of an answer
    """

    body: Any = None
    status: int = 200
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Received:
    """A request: its path below the base, its query, its JSON and its headers."""

    method: str
    path: str
    query: dict[str, str]
    json: Any
    headers: dict[str, str]


class PageServer:
    """The server; ``answers`` holds per path what it says, one after the other, the last one again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.received: list[Received] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                server._handle(self)

            do_GET = do_POST = do_PATCH = handle_any  # names of the library

            def log_message(self, *_: Any) -> None:
                """Write no access log."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Address of the empty page."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{BASE}"

    def calls(self) -> list[tuple[str, str]]:
        """Return method and path of each request for data."""
        return [(each.method, each.path) for each in self.received]

    def forget(self) -> None:
        """Forget answers and requests."""
        self.answers.clear()
        self.received.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        path = parts.path.removeprefix(BASE)
        if path == "":
            _send(
                request,
                Answer(f'<!doctype html><base href="{BASE}"><link rel="icon" href="data:,"><body>', type="text/html"),
            )
        elif path.startswith("ekyc/static/"):
            _send(request, Answer((STATIC / path.removeprefix("ekyc/static/")).read_text(), type="text/javascript"))
        else:
            body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in request.headers.items()}
            query = dict(parse_qsl(parts.query))
            self.received.append(Received(request.command, path, query, json.loads(body) if body else None, headers))
            waiting = self.answers.get(path) or [Answer({"detail": "Not Found"}, status=404)]
            _send(request, waiting.pop(0) if len(waiting) > 1 else waiting[0])


def _send(request: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.closes:
        request.close_connection = True
        return
    request.send_response(answer.status)
    for name, value in {"Content-Type": answer.type, "Content-Length": str(len(answer.content))}.items():
        request.send_header(name, value)
    for name, value in answer.headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(answer.content)
