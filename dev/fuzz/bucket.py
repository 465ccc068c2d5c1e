"""What lies in S3 when all is over, against what the transfers said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dev.fuzz.comparison import came_of, flaw_of_list
from dev.fuzz.inputs import ArchiveInput, make_input
from dev.fuzz.landing import ANOTHERS, key_of, list_key_of
from dev.fuzz.outputs import flaw_of
from dev.fuzz.plans import plan_of
from dev.fuzz.stored import BUCKET
from dev.fuzz.verdict import Failure, Verdict

_KEY = re.compile(r"(?P<kind>results|unmatched)/(?P<index>\d+)")


def check_bucket(client: Any, seed: int, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """
    Compare the bucket with the verdicts, object by object, byte by byte.

    :param client: boto3's S3 client
    :return: a verdict for each object that must not be, or is not as it must be, and for each that is missing
    """
    landed = {key_of(verdict.index): verdict for verdict in verdicts if verdict.landed}
    landed |= {list_key_of(verdict.index): verdict for verdict in verdicts if verdict.listed}
    found = [key for key in _keys(client) if not key.startswith("smaller/")]
    complaints = [_complaint(_index_of(key), "left_objects", "an unfinished upload") for key in _uploads(client)]
    for key in found:
        if key not in landed:
            if words := _flaw_of_remains(client, seed, key):
                complaints.append(_complaint(_index_of(key), "left_objects", words))
        elif landed[key].failures:
            complaints.append(_complaint(landed[key].index, "left_objects", "an object of what must not be landed"))
        elif words := _flaw(client, seed, landed[key].index, key):
            complaints.append(_complaint(landed[key].index, "wrong", words))
    missing = [verdict for key, verdict in landed.items() if key not in set(found)]
    return complaints + [_complaint(verdict.index, "wrong", "landed, and no object is there") for verdict in missing]


def _flaw(client: Any, seed: int, index: int, key: str) -> str:
    """Say what is wrong with an object, "" if nothing is."""
    given = make_input(seed, index)
    if not isinstance(given, ArchiveInput):
        return "an object of what is no archive"
    content = _content(client, key)
    if key == key_of(index):
        return flaw_of(content, plan_of(seed, given).output_format, given)
    return _flaw_of_unmatched(content, given)


def _flaw_of_remains(client: Any, seed: int, key: str) -> str:
    """
    Say why an object may not lie there though the transfer did not succeed, "" if it may.

    Somebody else's, put there meanwhile, must be as it was. Then the list of unmatched numbers may be left, which is
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
    came = came_of(given)
    return flaw_of_list(content, given.sent.numbers, None if came is None else given.sent.numbers - came, None)


def _complaint(index: int, figure: Any, words: str) -> Verdict:
    return Verdict(index, "landing", "in S3", failures=[Failure(figure, words)])


def _content(client: Any, key: str) -> bytes:
    content: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


def _keys(client: Any) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _uploads(client: Any) -> list[str]:
    return [entry["Key"] for entry in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


def _index_of(key: str) -> int:
    match = _KEY.fullmatch(key)
    return int(match["index"]) if match else -1
