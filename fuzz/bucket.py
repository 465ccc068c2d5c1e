"""What lies in S3 when all is over, against what the transfers said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fuzz.inputs import ArchiveInput, make_input
from fuzz.landing import BUCKET, format_of, key_of
from fuzz.outputs import flaw_of
from fuzz.verdict import Failure, Verdict


def check_bucket(client: Any, seed: int, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """
    Compare the bucket with the verdicts, object by object, byte by byte.

    :param client: boto3's S3 client
    :return: a verdict for each object that must not be, or is not as it must be, and for each that is missing
    """
    landed = {key_of(verdict.index): verdict for verdict in verdicts if verdict.landed}
    found = _keys(client)
    complaints = [_complaint(_index_of(key), "left_objects", "an unfinished upload") for key in _uploads(client)]
    for key in found:
        if key not in landed:
            complaints.append(
                _complaint(_index_of(key), "left_objects", "an object of a transfer that did not succeed")
            )
        elif landed[key].failures:
            complaints.append(_complaint(landed[key].index, "left_objects", "an object of what must not be landed"))
        elif words := _flaw(client, seed, landed[key].index):
            complaints.append(_complaint(landed[key].index, "wrong", words))
    missing = [verdict for key, verdict in landed.items() if key not in set(found)]
    return complaints + [_complaint(verdict.index, "wrong", "landed, and no object is there") for verdict in missing]


def _flaw(client: Any, seed: int, index: int) -> str:
    """Say what is wrong with an object, "" if nothing is."""
    given = make_input(seed, index)
    if not isinstance(given, ArchiveInput):
        return "an object of what is no archive"
    content: bytes = client.get_object(Bucket=BUCKET, Key=key_of(index))["Body"].read()
    return flaw_of(content, format_of(seed, given), given)


def _complaint(index: int, figure: Any, words: str) -> Verdict:
    return Verdict(index, "landing", "in S3", failures=[Failure(figure, words)])


def _keys(client: Any) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _uploads(client: Any) -> list[str]:
    return [entry["Key"] for entry in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


def _index_of(key: str) -> int:
    match = re.fullmatch(r"results/(\d+)", key)
    return int(match[1]) if match else -1
