"""The examples of ``docs/prepare.md`` on sources and tidying, as they are written there."""

from __future__ import annotations

import ast
import gzip
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists
from airflow_provider_ekyc.preparation.tidy import Reject, Tidier
from dev.stack.postgres_server import PostgresServer

PAGE = (Path(__file__).parents[2] / "docs" / "prepare.md").read_text()
SOURCES = PAGE.partition("\n## Sources\n")[2].partition("\n## ")[0]
TIDYING = PAGE.partition("\n## Tidying\n")[2].partition("\n## ")[0]
FIRST, SECOND = "+12025550100", "+12025550101"
TEXT = f"{FIRST}\n{SECOND}\n"


def examples() -> dict[str, dict[str, Any]]:
    """Return the arguments of each operator in the chapter on sources, by its task id."""
    found = {}
    for block in re.findall(r"```python\n(.*?)```", SOURCES, re.DOTALL):
        for statement in ast.parse(block).body:
            assert isinstance(statement, ast.Expr)
            assert isinstance(statement.value, ast.Call)
            arguments = {str(each.arg): ast.literal_eval(each.value) for each in statement.value.keywords}
            found[arguments.pop("task_id")] = arguments
    return found


EXAMPLES = examples()


def write_lists(folder: Path) -> None:
    """Write all lists that the examples name."""
    (folder / "text").mkdir()
    (folder / "parts").mkdir()
    (folder / "text" / "a.txt").write_text(f"\ufeff{FIRST}\n")
    (folder / "text" / "b.txt").write_text(SECOND, "utf-16")
    (folder / "old.txt").write_text(TEXT, "utf-16-le")
    (folder / "customers.csv").write_text(f'name;Phone\n"Smith; J";{FIRST}\nAnna;{SECOND}\n')
    (folder / "export.txt").write_text(f"Anna^{FIRST}\nBen^{SECOND}\n")
    for name, number in (("1", FIRST), ("2", SECOND)):
        pq.write_table(pa.table({"id": [1], "phone": [number]}), folder / "parts" / f"{name}.parquet")
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Customers")
    for row in (["name", "phone"], ["Anna", FIRST], ["Ben", SECOND]):
        sheet.append(row)
    book.save(folder / "book.xlsx")
    (folder / "a.csv.gz").write_bytes(gzip.compress(f"phone\n{FIRST}\n".encode()))
    (folder / "b.txt.zst").write_bytes(pa.compress(SECOND.encode(), codec="zstd", asbytes=True))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lists/c.csv", "phone\n")
    (folder / "c.zip").write_bytes(packed.getvalue())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_a_source_reads_its_list(
    name: str, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {key: value for key, value in EXAMPLES[name].items() if key != "destination_uri"}
    if "sql" in arguments:
        monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps(postgres.connection()))
        postgres.execute(
            "DROP TABLE IF EXISTS customers",
            "CREATE TABLE customers (id int, phone text, country text)",
            f"INSERT INTO customers VALUES (2, '{SECOND}', 'US'), (3, 'x', 'DE'), (1, '{FIRST}', 'US')",
        )
    else:
        write_lists(tmp_path)
        arguments = json.loads(json.dumps(arguments).replace("s3://lists/", f"{tmp_path}/"))
    try:
        with open_lists(ListArguments(**arguments)) as lists:
            assert b"".join(block for opened in lists for block in opened.blocks).decode() == TEXT
    finally:
        if "sql" in arguments:
            postgres.execute("DROP TABLE customers")


def tables() -> list[tuple[str, str | None, str, str]]:
    """Return the rows of the chapter on tidying: row, region, what it is, the kind of change."""
    found = []
    for line in TIDYING.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| `"):
            continue
        row = cells[0].strip("`").replace("\\u200b", "\u200b")
        region = cells[1] if re.fullmatch("[A-Z]{2}", cells[1]) else None
        result = cells[2] if region else cells[1]
        found.append((row, region, result, cells[2] if result.startswith("+") and not region else ""))
    return found


def test_the_page_has_examples_of_all_kinds() -> None:
    assert set(EXAMPLES) == {"text", "declared", "csv", "by_place", "parquet", "excel", "packed", "query"}
    named = {result for _, _, result, _ in tables()}
    assert {reason.value for reason in Reject} - named == {
        *("not E.164", "not UTF-8", "too long", "another number of columns")
    }
    assert len(tables()) == 34


@pytest.mark.parametrize(("row", "region", "result", "change"), tables())
def test_an_example_of_tidying_is_what_the_page_says(row: str, region: str | None, result: str, change: str) -> None:
    tidier = Tidier(True, region)
    found = tidier.read(row.encode())
    if not result.startswith("+"):
        assert found is Reject(result)
        return
    assert f"+{found}" == result
    assert not change or list(tidier.changes) == [change]
