"""What is in S3 after a try, read as a reader of its format reads it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pyarrow import parquet

from airflow_provider_ekyc.sandbox import expected_answer
from tests.conftest import BUCKET

_UNKNOWN = frozenset({"undetermined", "unknown", ""})


def read_result(client: Any, key: str, result: Mapping[str, Any], *, column: str | None) -> dict[str, str]:
    """
    Read a landed result, and compare it with what its metadata and the XCom say of it.

    :param client: S3's
    :param result: the second XCom
    :param column: the answer's in an archive as delivered, None for the last one
    :return: number -> answer
    """
    found = client.get_object(Bucket=BUCKET, Key=key)
    content, metadata = found["Body"].read(), found["Metadata"]
    assert metadata["ekyc-sha256"] == hashlib.sha256(content).hexdigest() == result["sha256"]
    assert metadata["ekyc-task-id"] == result["ekyc_task_id"]
    assert metadata["ekyc-format"] == result["output_format"]
    assert result["size"] == len(content)
    if result["rows"] is None:  # only the archive itself was checked
        assert {result[count] for count in ("yes", "no", "unknown")} == {None}
        assert not [name for name in metadata if name in ("ekyc-rows", "ekyc-yes", "ekyc-no", "ekyc-unknown")]
        assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        return {}
    rows = _rows(content, result["output_format"], column)
    answers = dict(rows)
    assert len(answers) == len(rows) == result["rows"]
    counts = Counter("unknown" if answer in _UNKNOWN else answer for answer in answers.values())
    assert counts == Counter({answer: result[answer] for answer in ("yes", "no", "unknown") if result[answer]})
    for answer in ("yes", "no", "unknown"):
        assert metadata[f"ekyc-{answer}"] == str(result[answer])
    wrong = [number for number, answer in rows if answer not in _UNKNOWN and answer != expected_answer(number)]
    assert wrong == []
    return answers


def numbers_in(client: Any, key: str) -> list[str]:
    """Read a landed list of numbers; return them sorted."""
    content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return sorted(content.decode().splitlines())


def _rows(content: bytes, output_format: str, column: str | None) -> list[tuple[str, str]]:
    if output_format == "parquet":
        table = parquet.read_table(io.BytesIO(content))
        return list(zip(table["number"].to_pylist(), table["answer"].to_pylist(), strict=True))
    if output_format == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (member,) = archive.namelist()
            content = archive.read(member)
    elif output_format == "csv.gz":
        content = gzip.decompress(content)
    header, *lines = csv.reader(io.StringIO(content.decode()))
    answer = header.index(column) if output_format == "zip" and column else -1
    return [(line[0], line[answer]) for line in lines]
