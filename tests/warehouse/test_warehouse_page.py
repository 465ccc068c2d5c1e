"""The page ``docs/warehouse.md`` is true where it says that it was run here."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
import duckdb
import pyarrow as pa
import pytest
from botocore.validate import validate_parameters

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.output.parquet import PARQUET
from airflow_provider_ekyc.results.table.rows import Rows
from tests.warehouse import page

EXAMPLES = Path(__file__).parents[2] / "example_dags"
BLOCKS = list(page.blocks())
DUCKDB = [block for block in BLOCKS if "duckdb" in block.dialects]
COLUMNS = PARQUET.columns("amazon")
NAMES = tuple(column.name for column in COLUMNS)
EXAMPLE = page.table_with((*NAMES, "dt"))


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """The page's example rows as objects, each where its ``dt`` says, and one that was not matched."""
    for day in {row[-1] for row in EXAMPLE.rows}:
        rows = [dict(zip(NAMES, row, strict=False)) for row in EXAMPLE.rows if row[-1] == day]
        path = tmp_path / "ekyc" / "results" / f"dt={day}" / "part-0.parquet"
        path.parent.mkdir(parents=True)
        (task_type,), (verified_at,), (ekyc_task_id,) = ({row[name] for row in rows} for name in NAMES[3:])
        lines = "".join(f"{row['number']},{row['answer']}\n" for row in rows)
        blocks = iter([Rows(lines.encode(), Counter(row["answer"] for row in rows))])
        context = RowContext(ekyc_task_id, task_type, datetime.fromisoformat(verified_at))
        assert PARQUET.writer is not None
        path.write_bytes(b"".join(PARQUET.writer(ArchiveReader(io.BytesIO()), blocks, context)))
    unmatched = tmp_path / "ekyc" / "unmatched" / "dt=2026-02-01" / "part-0.txt"
    unmatched.parent.mkdir(parents=True)
    unmatched.write_text("not for the table\n")
    return tmp_path


def shown(rows: list[tuple[Any, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple("NULL" if cell is None else cell for cell in row) for row in rows)


def run(code: str, bucket: Path, connection: duckdb.DuckDBPyConnection) -> page.Table | None:
    """Run the statements of one block; return the last one's result as text."""
    found = None
    for statement in filter(str.strip, code.replace(page.BUCKET, str(bucket)).split(";")):
        if statement.lstrip().startswith("SELECT"):
            relation = connection.sql(statement)
            found = page.Table(tuple(relation.columns), shown(relation.project("COLUMNS(*)::VARCHAR").fetchall()))
        else:
            connection.execute(statement)
    return found


def test_the_results_of_duckdb_are_those_of_the_page(bucket: Path) -> None:
    with duckdb.connect() as connection:
        found = [run(block.code, bucket, connection) for block in DUCKDB]
    assert found == [block.below for block in DUCKDB]
    assert sum(table is not None for table in found) == 4


def test_the_example_rows_and_the_columns_are_those_of_the_files(bucket: Path) -> None:
    with duckdb.connect() as connection:
        run(DUCKDB[0].code, bucket, connection)
        found = run("SELECT * FROM ekyc_results ORDER BY dt, number", bucket, connection)
    assert found == EXAMPLE
    documented = page.table_with(("column", "Parquet type", "meaning"))
    said = [(row[0].strip("`"), row[1].partition(",")[0]) for row in documented.rows]
    assert said == [(name, {"bool": "boolean"}.get(kind, kind.partition("[")[0])) for name, kind, _ in COLUMNS]


@pytest.mark.parametrize("heading", ["Athena and Glue", "Redshift", "Snowflake"])
def test_every_table_has_the_columns_of_the_file_in_their_order(heading: str) -> None:
    code = [block.code for block in BLOCKS if block.heading == heading and "ekyc_results" in block.code]
    created = re.search(r"TABLE ekyc_results \(\n(.*?)\n\)", "".join(code), re.DOTALL)
    assert created
    names = [line.split()[0] for line in created[1].splitlines()]
    assert names == [*NAMES, *(["loaded_from"] if heading == "Snowflake" else [])]
    assert "not run here" in section(heading).lower()


def test_polars_and_pyarrow_read_the_same_rows(bucket: Path) -> None:
    (block,) = (block for block in BLOCKS if block.heading == "Polars, pyarrow, pandas")
    names: dict[str, Any] = {}
    exec(block.code.replace(page.BUCKET, str(bucket)), names)  # the page's own lines
    frame, table = names["frame"], names["table"]
    assert frame.columns == table.column_names == [*NAMES, "dt"]
    numbers = sorted((row[0], row[-1]) for row in EXAMPLE.rows)
    assert sorted((number, str(day)) for number, day in frame.select("number", "dt").rows()) == numbers
    assert sorted((row["number"], row["dt"]) for row in table.select(["number", "dt"]).to_pylist()) == numbers
    assert str(frame.schema["dt"]) == "Date"
    assert table.schema.field("dt").type == pa.string()


def test_the_lifecycle_rule_is_one_that_s3_takes() -> None:
    (block,) = (block for block in BLOCKS if block.language == "json")
    service = botocore.session.get_session().get_service_model("s3")
    shape = service.operation_model("PutBucketLifecycleConfiguration").input_shape
    rule = json.loads(block.code)
    validate_parameters({"Bucket": "ekyc-results", "LifecycleConfiguration": rule}, shape)
    # It reaches what is landed, and not what is sent.
    (prefix,) = {found["Filter"]["Prefix"] for found in rule["Rules"]}
    texts = [page.PAGE.read_text(), *(path.read_text() for path in EXAMPLES.glob("*.py"))]
    sent = {
        key
        for text in texts
        for key in re.findall(r'"?(?:numbers|lists)"?(?:=|: Param\(\s*)"s3://ekyc-results/([^"]+)"', text)
    }
    landed = {key for text in texts[:1] for key in re.findall(r'(?:s3_key|unmatched_key)="([^"]+)"', text)}
    assert len(sent) >= 3
    assert not [key for key in sent if key.startswith(prefix)]
    assert landed
    assert all(key.startswith(prefix) for key in landed)


def test_every_number_is_one_of_fiction() -> None:
    numbers = re.findall(r"\+\d{4,}", page.PAGE.read_text())
    assert len(numbers) > 6
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", number) for number in numbers)


def section(heading: str) -> str:
    return page.PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
