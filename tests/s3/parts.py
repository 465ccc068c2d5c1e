"""An upload in three parts, and what S3 has of uploads that are under way."""

from __future__ import annotations

from typing import Any

from tests.conftest import BUCKET
from tests.s3.landings import failure, put

#: S3's smallest, of all parts but the last.
PART = 5 * 1024**2
CONTENT = b"".join(bytes([letter]) * PART for letter in b"ab") + b"the end"
ONE_BY_ONE = {"connections": 1, "part_size": PART}


def uploads(s3: Any) -> list[str]:
    """Return the ids of uploads that are neither completed nor aborted."""
    return [upload["UploadId"] for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


def parts_up(client: Any, **arguments: Any) -> Any:
    return put(client, CONTENT, **{**ONE_BY_ONE, **arguments})


def fails(kind: type[Any], client: Any, s3: Any, **arguments: Any) -> str:
    """Return the message of a put that leaves nothing behind."""
    message = failure(kind, client, content=CONTENT, **{**ONE_BY_ONE, **arguments})
    assert uploads(s3) == []
    return message
