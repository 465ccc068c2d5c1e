"""
An S3 that is empty, takes everything and keeps nothing: the client is what is measured, not a store.

Who puts an object on the condition that there is none may look once whether it is there.

It checks no signature and no checksum. What lands right is told by a real S3 server: ``dev.benchmarks.move_check``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from dev.benchmarks.move_listener import Connection, Head

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_ETAG = '"00000000000000000000000000000000"'
_UPLOAD = f"<InitiateMultipartUploadResult {_NAMESPACE}><UploadId>made-up</UploadId></InitiateMultipartUploadResult>"
_COMPLETED = f"<CompleteMultipartUploadResult {_NAMESPACE}><ETag>&quot;0-1&quot;</ETag></CompleteMultipartUploadResult>"
_EMPTY = f"<ListBucketResult {_NAMESPACE}><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
_NO_UPLOADS = f"<ListMultipartUploadsResult {_NAMESPACE}><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
_NO_KEY = "<Error><Code>NoSuchKey</Code><Message>It keeps nothing.</Message></Error>"


@dataclass(slots=True)
class Sink:
    """
    Answers one connection after another.

    :param moved: bytes of objects and parts that it took, with the few of their ``aws-chunked`` frames
    :param landed: objects that were put, or completed
    """

    moved: int = 0
    landed: int = 0
    _keys: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def serve(self, connection: Connection) -> None:
        """Answer all requests of a connection."""
        while head := connection.head():
            taken = connection.drop_body(head)
            if head.method == "PUT":
                self._count(taken, 0)
            self._answer(connection, head)

    def _answer(self, connection: Connection, head: Head) -> None:
        url = urlsplit(head.target)
        query = parse_qs(url.query, keep_blank_values=True)
        is_bucket = url.path.strip("/").count("/") == 0
        match head.method:
            case "PUT":
                self._count(0, int("partNumber" not in query))
                if "if-none-match" in head.headers:
                    self._keys.add(url.path)
                connection.answer("200 OK", ETag=_ETAG)
            case "POST" if "uploads" in query:
                connection.answer("200 OK", _UPLOAD.encode(), Content_Type="application/xml")
            case "POST":
                self._count(0, 1)
                connection.answer("200 OK", _COMPLETED.encode(), Content_Type="application/xml")
            case "DELETE":
                connection.answer("204 No Content")
            case "HEAD" if is_bucket:
                connection.answer("200 OK")
            case "HEAD" if url.path in self._keys:
                self._keys.discard(url.path)
                connection.answer("200 OK", ETag=_ETAG)
            case "HEAD":
                connection.answer("404 Not Found")
            case "GET" if is_bucket:
                listing = _NO_UPLOADS if "uploads" in query else _EMPTY
                connection.answer("200 OK", listing.encode(), Content_Type="application/xml")
            case _:
                connection.answer("404 Not Found", _NO_KEY.encode(), Content_Type="application/xml")

    def _count(self, moved: int, landed: int) -> None:
        with self._lock:
            self.moved += moved
            self.landed += landed
