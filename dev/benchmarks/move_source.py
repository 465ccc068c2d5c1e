"""The API as far as a transfer needs it: a task that is exported, and its result behind a URL that looks signed."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from airflow_provider_ekyc.sandbox.ranges import Unsatisfiable, byte_range
from dev.benchmarks.move_listener import BUFFER, Connection, Head

#: Made up; as long as a real one.
QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=MADEUP%2F20251121%2Fus-east-1%2Fs3%2Faws4_request"
    f"&X-Amz-Date=20251121T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}"
)


@dataclass(frozen=True, slots=True)
class Export:
    """
    A remote task that is exported.

    :param path: its archive
    :param sha256: of the archive, from which its ETag comes
    """

    rows: int
    path: Path
    sha256: str

    @property
    def etag(self) -> str:
        """As S3 has it, quotes included."""
        return f'"{self.sha256[:32]}"'


def result_path(ekyc_task_id: str) -> str:
    """Return path and query of a task's result."""
    return f"/results/{ekyc_task_id}.zip?{QUERY}"


@dataclass(slots=True)
class Source:
    """
    Answers one connection after another.

    :param exports: by remote task id
    :param url: its own, which is known once it listens
    :param moved: bytes of archives that it sent
    """

    exports: Mapping[str, Export]
    url: str = ""
    moved: int = 0
    _mapped: dict[str, memoryview] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def serve(self, connection: Connection) -> None:
        """Answer all requests of a connection."""
        while head := connection.head():
            if head.method == "POST" and head.target == "/v1/gettasks":
                self._answer_status(connection, head)
            elif head.method == "GET" and (found := re.fullmatch(r"/results/([^/]+)\.zip\?.+", head.target)):
                self._send_result(connection, head, found[1])
            else:
                connection.drop_body(head)
                connection.answer("404 Not Found")

    def _answer_status(self, connection: Connection, head: Head) -> None:
        words = re.findall(r"[\w-]+", connection.body(head).decode("ascii"))
        ekyc_task_id = next(word for word in words if word in self.exports)
        rows = self.exports[ekyc_task_id].rows
        answer = {
            "task_id": ekyc_task_id,
            "status": "exported",
            "total": rows,
            "success": rows,
            "failure": 0,
            "created_at": "2025-11-21T00:00:00Z",
            "updated_at": "2025-11-21T01:00:00Z",
            "result_url": self.url + result_path(ekyc_task_id),
        }
        connection.answer("200 OK", json.dumps(answer).encode(), Content_Type="application/json")

    def _send_result(self, connection: Connection, head: Head, ekyc_task_id: str) -> None:
        export, archive = self.exports[ekyc_task_id], self._archive(ekyc_task_id)
        size = len(archive)
        if head.headers.get("if-match", export.etag) not in (export.etag, "*"):
            connection.answer("412 Precondition Failed")
            return
        try:
            wanted = byte_range(head.headers.get("range"), head.headers.get("if-range"), size=size, etag=export.etag)
        except Unsatisfiable:
            connection.answer("416 Range Not Satisfiable", Content_Range=f"bytes */{size}")
            return
        first, last = wanted or (0, size - 1)
        status = f"206 Partial Content\r\nContent-Range: bytes {first}-{last}/{size}" if wanted else "200 OK"
        connection.send(
            f"HTTP/1.1 {status}\r\nAccept-Ranges: bytes\r\nContent-Type: application/zip\r\nETag: {export.etag}\r\n"
            f"Content-Length: {last + 1 - first}\r\n\r\n".encode()
        )
        for begin in range(first, last + 1, BUFFER):
            block = archive[begin : min(begin + BUFFER, last + 1)]
            with self._lock:
                self.moved += len(block)  # before it is sent: the client may be done with it, and ask, at once
            connection.send(block)

    def _archive(self, ekyc_task_id: str) -> memoryview:
        if ekyc_task_id not in self._mapped:
            with self.exports[ekyc_task_id].path.open("rb") as file:
                self._mapped[ekyc_task_id] = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
        return self._mapped[ekyc_task_id]
