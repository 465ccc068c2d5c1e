"""
An S3 that remembers what it was sent, but for the bytes: the client is what is measured, not a store.

Objects and parts, with metadata and conditions, as S3 has them. It checks no signature and no checksum, and an object
can't be read back: a real S3 server shows whether the right bytes land (``dev.benchmarks.move_check``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, unescape

from dev.benchmarks.move_listener import Connection, Head
from dev.benchmarks.move_objects import Objects, Refused, Stored

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
_NUMBER = re.compile(r"<PartNumber>\s*(\d+)\s*</PartNumber>")
_ETAG = re.compile(r"<ETag>\s*(.*?)\s*</ETag>")
#: A HEAD of an object shows its checksum only if it is asked to.
_CHECKSUM = "x-amz-checksum-"


@dataclass(slots=True)
class Sink:
    """
    Answers one connection after another.

    :param moved: bytes of objects and parts that it was sent
    :param landed: objects that were put, or completed
    """

    moved: int = 0
    landed: int = 0
    objects: Objects = field(default_factory=Objects)
    _lock: Lock = field(default_factory=Lock)

    def serve(self, connection: Connection) -> None:
        """Answer all requests of a connection."""
        while head := connection.head():
            # The only bodies that are read are the lists of parts.
            body = connection.body(head) if head.method == "POST" else b""
            size = 0 if head.method == "POST" else connection.drop_body(head)
            url = urlsplit(head.target)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            try:
                with self._lock:
                    if url.path.strip("/").count("/") == 0:
                        answer = self._of_bucket(head.method, url.path, query)
                    elif "uploadId" in query or "uploads" in query:
                        answer = self._of_upload(head, url.path, query, size, body)
                    else:
                        answer = self._of_object(head, url.path, size)
            except Refused as refusal:
                answer = Answer(refusal.status, f"<Error><Code>{refusal.code}</Code></Error>")
            answer.send(connection, is_head=head.method == "HEAD")

    def _of_object(self, head: Head, path: str, size: int) -> Answer:
        match head.method:
            case "PUT":
                self.moved += size
                stored = self.objects.put(path, size, head.headers)
                self.landed += 1
                return Answer("200 OK", headers={"ETag": stored.etag, **checksums(stored)})
            case "DELETE":
                self.objects.stored.pop(path, None)
                return Answer("204 No Content")
            case "HEAD" if path in self.objects.stored:
                stored = self.objects.stored[path]
                with_checksums = head.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED"
                shown = {
                    name: value
                    for name, value in stored.headers.items()
                    if with_checksums or not name.startswith(_CHECKSUM)
                }
                return Answer("200 OK", headers={"ETag": stored.etag, **shown}, length=stored.size)
            case "HEAD" | "GET" if path not in self.objects.stored:
                raise Refused("404 Not Found", "NoSuchKey")
        raise Refused("501 Not Implemented", "NotImplemented")  # the bytes were not kept

    def _of_upload(self, head: Head, path: str, query: Mapping[str, str], size: int, body: bytes) -> Answer:
        match head.method:
            case "POST" if "uploads" in query:
                begun = f"<UploadId>{self.objects.create(path, head.headers)}</UploadId>"
                return Answer.of_xml("InitiateMultipartUploadResult", begun)
            case "PUT" if "partNumber" in query:
                self.moved += size
                part = self.objects.put_part(path, query["uploadId"], int(query["partNumber"]), size, head.headers)
                return Answer("200 OK", headers={"ETag": part.etag, **checksums(part)})
            case "POST":
                stored = self.objects.complete(path, query["uploadId"], listed_parts(body), head.headers)
                self.landed += 1
                return Answer.of_xml("CompleteMultipartUploadResult", f"<ETag>{escape(stored.etag)}</ETag>")
            case "DELETE":
                self.objects.abort(path, query["uploadId"])
                return Answer("204 No Content")
            case "GET":
                parts = self.objects.upload(path, query["uploadId"]).parts
                lines = "".join(
                    f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
                    f"<Size>{part.size}</Size></Part>"
                    for number, part in sorted(parts.items())
                )
                return Answer.of_xml("ListPartsResult", f"{lines}<IsTruncated>false</IsTruncated>")
        raise Refused("501 Not Implemented", "NotImplemented")

    def _of_bucket(self, method: str, path: str, query: Mapping[str, str]) -> Answer:
        within = f"/{path.strip('/')}/"
        prefix = within + query.get("prefix", "")
        if method == "GET" and "uploads" in query:
            lines = "".join(
                f"<Upload><Key>{escape(upload.path.removeprefix(within))}</Key><UploadId>{upload_id}</UploadId></Upload>"
                for upload_id, upload in self.objects.uploads.items()
                if upload.path.startswith(prefix)
            )
            return Answer.of_xml("ListMultipartUploadsResult", f"{lines}<IsTruncated>false</IsTruncated>")
        if method == "GET":
            found = [(name, one) for name, one in sorted(self.objects.stored.items()) if name.startswith(prefix)]
            lines = "".join(
                f"<Contents><Key>{escape(name.removeprefix(within))}</Key><ETag>{escape(one.etag)}</ETag>"
                f"<Size>{one.size}</Size></Contents>"
                for name, one in found
            )
            counted = f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>"
            return Answer.of_xml("ListBucketResult", lines + counted)
        return Answer("200 OK")


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer, without the head of HTTP.

    :param status: such as ``200 OK``
    :param body: XML
    :param headers: by name
    :param length: of the body that a GET would send, for a HEAD
    """

    status: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int = 0

    @classmethod
    def of_xml(cls, name: str, content: str) -> Answer:
        """Return a success with a document."""
        return cls("200 OK", f"<{name} {_NAMESPACE}>{content}</{name}>", {"Content-Type": "application/xml"})

    def send(self, connection: Connection, *, is_head: bool) -> None:
        """Send it; of an answer to a HEAD, without the body."""
        body = b"" if is_head else self.body.encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        length = self.length if is_head else len(body)
        connection.send(f"HTTP/1.1 {self.status}\r\n{lines}Content-Length: {length}\r\n\r\n".encode("latin-1") + body)


def listed_parts(document: bytes) -> list[tuple[int, str]]:
    """
    Return number and ETag of each part in the body of ``CompleteMultipartUpload``.

    :raises Refused: if it is not what S3 documents
    """
    listed = []
    for content in _PART.findall(document.decode("utf-8", "replace")):
        number, etag = _NUMBER.search(content), _ETAG.search(content)
        if number is None or etag is None:
            raise Refused("400 Bad Request", "MalformedXML")
        listed.append((int(number[1]), f'"{unescape(etag[1], {"&quot;": chr(34)}).strip(chr(34))}"'))
    return listed


def checksums(stored: Stored) -> dict[str, str]:
    """Return the checksums in the headers of a request, as S3's answer repeats them."""
    return {name: value for name, value in stored.headers.items() if name.startswith(_CHECKSUM)}
