"""Requests to an S3 server as a store reads them that does not know ``If-None-Match``: without it, signed anew."""

from __future__ import annotations

from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from dev.stack.s3_server import REGION

_CONDITION = "if-none-match"
_REPLACED = frozenset({_CONDITION, "authorization", "x-amz-date", "x-amz-content-sha256"})


class _Signer(S3SigV4Auth):
    """Signs a head; of the body it takes the sum that the client has sent."""

    def __init__(self, credentials: Credentials, body_sum: str) -> None:
        super().__init__(credentials, "s3", REGION)
        self._body_sum = body_sum

    def payload(self, request: Any) -> str:
        return self._body_sum


def without_condition(data: bytes, credentials: Credentials) -> bytes:
    """
    Take the condition out of a request.

    :param data: its first bytes, with all headers
    :param credentials: that the client signs with
    :return: the request; as it was, if it has no condition
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if _CONDITION not in headers or not end:
        return data
    method, target, version = first.split(" ")
    kept = {name: value for name, value in headers.items() if name not in _REPLACED}
    request = AWSRequest(method, f"http://{headers['host']}{target}", headers=kept)
    _Signer(credentials, headers["x-amz-content-sha256"]).add_auth(request)
    signed = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"{method} {target} {version}\r\n{signed}\r\n".encode("latin-1") + rest
