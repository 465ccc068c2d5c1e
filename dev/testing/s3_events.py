"""Answers in place of the S3 server, and the requests that leave a boto3 client."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def refuse(client: Any, operation: str, status: int, code: str, *, with_body: bool = True) -> None:
    """Answer every call of this operation with a refusal that the S3 server never gives."""
    client.meta.events.register(f"before-send.s3.{operation}", refusal_of(status, code, with_body=with_body))


def refusal_of(status: int, code: str, *, with_body: bool = True) -> Callable[..., AWSResponse]:
    """Return what answers a request with a refusal."""
    body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode() if with_body else b""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, _Raw(body))

    return answer


def accept(client: Any, operation: str, *, body: bytes = b"", **headers: str) -> None:
    """Answer every call of this operation with success, in place of an S3 server that can't do it."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, headers, _Raw(body))

    client.meta.events.register(f"before-send.s3.{operation}", answer)


def record(client: Any) -> list[tuple[str, str, dict[str, str]]]:
    """List the requests that leave from now on: method, URL, headers in lower case."""
    requests: list[tuple[str, str, dict[str, str]]] = []

    def remember(request: Any, **_: Any) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        requests.append((request.method, request.url, headers))

    client.meta.events.register("before-send.s3", remember)
    return requests
