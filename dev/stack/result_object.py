"""Read a result object back from S3 and count it, with nothing but the standard library.

The demo's own eyes: it must not use the code that wrote the object.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import IO, Any

BLOCK = 1024 * 1024
MEANING = {"yes": "yes", "sí": "yes", "si": "yes", "no": "no"}


class UnreadableResultError(Exception):
    """What is in the bucket is not the table it should be."""


@dataclass(frozen=True)
class ResultObject:
    """What was found in the bucket.

    :param size: bytes
    :param sha256: of the whole object, hexadecimal
    :param rows: lines of the table below its header
    :param yes: numbers that are known
    :param no: numbers that are not
    :param unknown: numbers without an answer
    """

    size: int
    sha256: str
    rows: int
    yes: int
    no: int
    unknown: int


def read_back(client: Any, bucket: str, key: str) -> ResultObject:
    """Download an object and count its rows.

    :param client: a boto3 S3 client
    :param bucket: the bucket
    :param key: the key
    :return: what it holds
    """
    digest, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as spool:
        for block in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK):
            digest.update(block)
            size += len(block)
            spool.write(block)
        spool.seek(0)
        counts = _count(spool)
    return ResultObject(
        size=size,
        sha256=digest.hexdigest(),
        rows=counts.total(),
        yes=counts["yes"],
        no=counts["no"],
        unknown=counts["unknown"],
    )


def _count(spool: IO[bytes]) -> Counter[str]:
    try:
        with zipfile.ZipFile(spool) as archive, archive.open(_table(archive.namelist())) as member:
            rows = csv.reader(io.TextIOWrapper(member, encoding="utf-8-sig", newline=""))
            next(rows, None)
            return Counter(MEANING.get(row[-1].strip().lower(), "unknown") for row in rows if row)
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableResultError(f"the object is no readable archive: {type(error).__name__}") from None


def _table(members: list[str]) -> str:
    tables = [name for name in members if name.lower().endswith(".csv")]
    whole = [name for name in tables if name.rpartition("/")[2].lower() == "all.csv"]
    if len(whole or tables) != 1:
        raise UnreadableResultError(f"expected one table in the archive, found {len(whole or tables)}")
    return (whole or tables)[0]
