"""A real SQL catalog, its warehouse in the real S3 server, and landed files of made-up numbers."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import Catalog, load_catalog

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.output.parquet import PARQUET
from airflow_provider_ekyc.results.table.rows import Rows
from airflow_provider_ekyc.s3.result_object import Landed
from dev.stack.s3_server import S3Server
from dev.testing.rest_catalog import RestCatalogServer
from tests.conftest import BUCKET, WAREHOUSE

NAMESPACE, TABLE = "ekyc", "ekyc.results"
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
ANSWERS = ("yes", "no", "maybe")

Land = Callable[..., Landed]


@pytest.fixture(scope="session")
def empty_catalog(warehouse: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a SQL catalog with one namespace, to be copied."""
    path = tmp_path_factory.mktemp("catalog") / "empty.db"
    properties = warehouse.iceberg_properties(f"sqlite:///{path}", f"s3://{WAREHOUSE}")
    load_catalog("iceberg_default", **properties).create_namespace(NAMESPACE)
    return path


@pytest.fixture
def sql(
    warehouse: S3Server, s3: Any, empty_catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The properties of a fresh SQL catalog with one namespace, which ``iceberg_default`` opens as well."""
    path = shutil.copy(empty_catalog, tmp_path / "catalog.db")
    properties = warehouse.iceberg_properties(f"sqlite:///{path}", f"s3://{WAREHOUSE}/{tmp_path.name}")
    connect(monkeypatch, **properties)
    return properties


@pytest.fixture
def catalog(sql: dict[str, str]) -> Catalog:
    """The catalog, as another writer or reader opens it."""
    return load_catalog("iceberg_default", **sql)


@pytest.fixture
def rest(sql: dict[str, str], catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[RestCatalogServer]:
    """A REST catalog in front of it, which ``iceberg_default`` opens instead."""
    with RestCatalogServer(catalog) as server:
        connect(monkeypatch, **{**sql, "type": "rest", "uri": server.url})
        yield server


def connect(monkeypatch: pytest.MonkeyPatch, *, uri: str, conn_id: str = "iceberg_default", **extra: str) -> None:
    connection = {"conn_type": "iceberg", "extra": {"uri": uri, **extra}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))


@pytest.fixture
def land(s3: Any) -> Land:
    """Land a file as ``EkycResultsToS3Operator`` does, with three rows by default."""

    def put(
        task: int = 0,
        *,
        verified_at: datetime | None = NOON,
        numbers: range = range(3),
        task_type: str = "amazon",
        key: str = "",
    ) -> Landed:
        content = parquet_file(ekyc_task_id(task), verified_at, numbers, task_type)
        key = key or f"results/dt=2026-02-01/manual__2026-02-01T00:00:00+00:00 {task}/part-0.parquet"
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return Landed(
            ekyc_task_id=ekyc_task_id(task),
            s3_uri=f"s3://{BUCKET}/{key}",
            output_format="parquet",
            rows=len(numbers),
            yes=None,
            no=None,
            unknown=None,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    return put


def ekyc_task_id(task: int) -> str:
    """Ids of the API's form, which differ in their last characters alone."""
    return f"d4g24nep2jvh04o9u{task:03d}"


def number_of(number: int) -> str:
    return f"+999{number:010d}"


def parquet_file(task_id: str, verified_at: datetime | None, numbers: range, task_type: str = "amazon") -> bytes:
    rows = [(number_of(number), ANSWERS[number % 3]) for number in numbers]
    lines = "".join(f"{number},{word}\n" for number, word in rows).encode()
    blocks = iter([Rows(lines, Counter(word for _, word in rows))] if rows else [])
    assert PARQUET.writer is not None
    context = RowContext(task_id, task_type, verified_at)
    return b"".join(PARQUET.writer(ArchiveReader(io.BytesIO()), blocks, context))
