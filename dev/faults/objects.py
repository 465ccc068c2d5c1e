"""What is in S3 after a case, read as a user would: whole, checked, and the right one?"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from typing import Any

from airflow_provider_ekyc.sandbox import expected_answer
from dev.faults.case import Case
from dev.faults.environment import BUCKET, key_of, numbers_of


def look_at_objects(client: Any, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    List the case's objects and unfinished uploads.

    :param client: boto3's S3 client
    :return: keys, and what is wrong with what is there
    """
    prefix = key_of(case)
    keys = tuple(found["Key"] for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []))
    uploads = client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
    if case.point or case.instant is not None:
        uploads = []  # SIGKILL leaves them, and no object; docs/results.md names the lifecycle rule
    flaws = [f"an unfinished upload of {upload['Key']}" for upload in uploads]
    for key in keys:
        answer = client.get_object(Bucket=BUCKET, Key=key)
        flaws += [f"{key}: {flaw}" for flaw in _flaws(answer["Body"].read(), answer["Metadata"], case)]
    return keys, tuple(flaws)


def _flaws(content: bytes, metadata: dict[str, str], case: Case) -> list[str]:
    if metadata.get("ekyc-sha256") != hashlib.sha256(content).hexdigest():
        return ["its SHA-256 is not the one in its metadata"]
    try:
        rows = _of_parquet(content) if case.operator == "table" else _of_archive(content)
    except (zipfile.BadZipFile, ValueError) as error:
        return [f"it can't be read ({type(error).__name__})"]
    wanted = [[number, expected_answer(number)] for number in numbers_of(case)]
    if rows != wanted:
        return [f"it has {len(rows)} rows, and they are not the {len(wanted)} that were asked for"]
    counted = {answer: sum(row[1] == answer for row in wanted) for answer in ("yes", "no")}
    stated = {answer: int(metadata.get(f"ekyc-{answer}", -1)) for answer in counted}
    return [] if stated == counted else ["the counts in its metadata are not those of its rows"]


def _of_archive(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (member,) = archive.namelist()
        return list(csv.reader(io.StringIO(archive.read(member).decode())))[1:]


def _of_parquet(content: bytes) -> list[list[str]]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content), columns=["number", "answer"])
    return [list(row.values()) for row in table.to_pylist()]
