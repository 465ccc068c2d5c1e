"""The fuzzer's own access to S3: it puts what must be there, and compares what is there with the verdicts."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from dev.fuzz.expected import flaw_of_list, missing_of, plan_of
from dev.fuzz.inputs import make_input
from dev.fuzz.model import ArchiveInput, Failure, Verdict
from dev.fuzz.reading import flaw_of

BUCKET = "ekyc-fuzz"

#: Where inputs are that are read from S3.
SENT_BUCKET = "ekyc-fuzz-sent"

#: What another client puts at a key.
ANOTHERS = b"another's"

_KEY = re.compile(r"(?:results|unmatched)/(\d+)")


def key_of(index: int, again: int = 0) -> str:
    """Return the object's key; ``again`` as in :func:`dev.fuzz.inputs.make_input`."""
    return f"smaller/{again}/results/{index}" if again else f"results/{index}"


def list_key_of(index: int, again: int = 0) -> str:
    """Return the key of the list of unmatched numbers."""
    return key_of(index, again).replace("results/", "unmatched/")


def put(bucket: str, key: str, content: bytes) -> None:
    """Put an object; no connection is left open, which would be that of the input that is measured."""
    with closing(_new_client()) as client:
        client.put_object(Bucket=bucket, Key=key, Body=content)


def content_of(key: str) -> bytes | None:
    """Return what is at a key, after an input was measured; None if nothing is."""
    try:
        return _content(_client(), key)
    except _client().exceptions.NoSuchKey:
        return None


@functools.cache
def _client() -> Any:
    """Return a client that is kept: a new one takes as long as a landing."""
    return _new_client()


def _new_client() -> Any:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    return S3Hook().get_conn()


def _content(client: Any, key: str) -> bytes:
    content: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


def check_bucket(client: Any, seed: int, verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    """
    Compare the bucket with the verdicts, object by object, byte by byte.

    :param client: boto3's S3 client
    :return: a verdict for each object that must not be, or is not as it must be, and for each that is missing
    """
    landed = {key_of(verdict.index): verdict for verdict in verdicts if verdict.landed}
    landed |= {list_key_of(verdict.index): verdict for verdict in verdicts if verdict.listed}
    for entry in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        yield _complaint(entry["Key"], "left_objects", "an unfinished upload")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    for key in sorted(key for key in keys if not key.startswith("smaller/")):
        figure: Any = "left_objects"
        if key not in landed:
            words = _flaw_of_remains(client, seed, key)
        elif landed[key].failures:
            words = "an object of what must not be landed"
        else:
            figure, words = "wrong", _flaw(client, seed, key)
        if words:
            yield _complaint(key, figure, words)
    for key in landed.keys() - keys:
        yield _complaint(key, "wrong", "landed, and no object is there")


def _flaw(client: Any, seed: int, key: str) -> str:
    """Say what is wrong with an object of a transfer that has succeeded, "" if nothing is."""
    given = make_input(seed, _index_of(key))
    if not isinstance(given, ArchiveInput):
        return "an object of what is no archive"
    content = _content(client, key)
    if key == key_of(given.index):
        return flaw_of(content, plan_of(seed, given).output_format, given)
    return _flaw_of_unmatched(content, given)


def _flaw_of_remains(client: Any, seed: int, key: str) -> str:
    """
    Say why an object may not be there though the transfer did not succeed, "" if it may.

    Another client's, put there meanwhile, must be as it was. Then the list of unmatched numbers may be left, which is
    landed before the result; if it is, it is right.
    """
    words, index = "an object of a transfer that did not succeed", _index_of(key)
    given = make_input(seed, index) if index >= 0 else None
    if not isinstance(given, ArchiveInput) or not plan_of(seed, given).is_taken:
        return words
    content = _content(client, key)
    if key == key_of(index):
        return "" if content == ANOTHERS else "another's object was overwritten"
    may_be_listed = given.sent is not None and given.sent.fate in ("compared", "any")
    return _flaw_of_unmatched(content, given) if may_be_listed else words


def _flaw_of_unmatched(content: bytes, given: ArchiveInput) -> str:
    if given.sent is None:
        return "a list of what was never sent"
    return flaw_of_list(content, given.sent.numbers, missing_of(given), None)


def _complaint(key: str, figure: Any, words: str) -> Verdict:
    return Verdict(_index_of(key), "landing", "in S3", failures=[Failure(figure, words)])


def _index_of(key: str) -> int:
    match = _KEY.fullmatch(key)
    return int(match[1]) if match else -1
