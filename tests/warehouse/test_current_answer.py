"""The view of the current answer in ``docs/warehouse.md``: in each engine's dialect, on the page's rows and others."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from pyiceberg.catalog import load_catalog
from sqlglot import exp

from airflow_provider_ekyc.history.freshness import find_fresh
from airflow_provider_ekyc.history.windows import Windows
from airflow_provider_ekyc.iceberg.definition import creation_arguments
from dev.stack.postgres_server import PostgresServer
from tests.history import rows as history
from tests.history.rows import DAY
from tests.warehouse import page

BLOCKS = [block for block in page.blocks() if block.dialects]
(VIEW,) = (block for block in BLOCKS if "CREATE VIEW ekyc_current" in block.code)
ENGINES = ("duckdb", "athena", "trino", "redshift", "snowflake", "bigquery")
COLUMNS = ("number", "task_type", "registered", "answer", "verified_at", "ekyc_task_id")
SCHEMA = pa.schema(
    {
        "number": pa.string(),
        "task_type": pa.string(),
        "registered": pa.bool_(),
        "answer": pa.string(),
        "verified_at": pa.timestamp("us", "UTC"),
        "ekyc_task_id": pa.string(),
        "dt": pa.string(),
    }
)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """A row of the table, in the order of the view's columns."""

    number: str
    task_type: str
    registered: bool | None
    answer: str
    verified_at: datetime | None
    ekyc_task_id: str


def parse(code: str, dialect: str) -> list[exp.Expression]:
    found = sqlglot.parse(code, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    return [statement for statement in found if statement is not None]


def as_duckdb(dialect: str) -> str:
    """Translate the page's statement from an engine's dialect: what the engines do differently is written out."""
    (statement,) = parse(VIEW.code, dialect)
    assert isinstance(statement, exp.Create)
    return statement.sql("duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def current(view: str, rows: Iterable[Row]) -> list[Row]:
    """Make the table of these rows in DuckDB and the view over it; return what the view shows."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        landed = pa.Table.from_pylist([{**row._asdict(), "dt": "2026-01-01"} for row in rows], SCHEMA)
        connection.register("landed", landed)
        connection.execute("CREATE TABLE ekyc_results AS SELECT * FROM landed")
        connection.execute(view)
        found = connection.execute("SELECT * FROM ekyc_current ORDER BY number, task_type")
        assert tuple(column[0] for column in found.description or ()) == COLUMNS
        return [Row(*row) for row in found.fetchall()]


def expected(rows: Iterable[Row]) -> list[Row]:
    """Say the same in Python, one number after the other."""
    latest: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = row.number, row.task_type
        if key not in latest or _outranks(row, latest[key]):
            latest[key] = row
    return [latest[key] for key in sorted(latest)]


def _outranks(row: Row, other: Row) -> bool:
    if (row.registered is None) != (other.registered is None):
        return row.registered is not None
    if row.verified_at != other.verified_at:
        return other.verified_at is None or (row.verified_at is not None and row.verified_at > other.verified_at)
    if row.ekyc_task_id != other.ekyc_task_id:
        return row.ekyc_task_id > other.ekyc_task_id
    return row.answer < other.answer


def made_up_rows(seed: int, *, ties: bool = True) -> Iterator[Row]:
    """Yield rows with all that may happen: unknown after yes, ties within a task and between two, no time at all."""
    chosen = random.Random(seed)
    for index in range(400):
        answer = chosen.choice(["yes", "no", "undetermined"])
        yield Row(
            f"+1202555{chosen.randrange(100, 140):04d}",
            chosen.choice(["amazon", "coinW"]),
            {"yes": True, "no": False}.get(answer),
            answer,
            chosen.choice([None, START + timedelta(days=chosen.randrange(5))])
            if ties
            else START + timedelta(hours=index),
            f"d{chosen.randrange(3)}",
        )


def page_rows() -> list[Row]:
    table = page.table_with(("number", "registered", "answer", "task_type", "verified_at", "ekyc_task_id", "dt"))
    named = [dict(zip(table.columns, cells, strict=True)) for cells in table.rows]
    return [
        Row(
            row["number"],
            row["task_type"],
            {"true": True, "false": False, "NULL": None}[row["registered"]],
            row["answer"],
            datetime.fromisoformat(row["verified_at"]),
            row["ekyc_task_id"],
        )
        for row in named
    ]


def test_the_page_has_one_statement_for_the_six_engines() -> None:
    assert VIEW.dialects == ENGINES


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_shows_the_answers_of_the_page(engine: str) -> None:
    (block,) = (block for block in BLOCKS if "FROM ekyc_current ORDER BY number" in block.code)
    assert block.below is not None
    shown = [
        (row.number, {True: "true", False: "false", None: "NULL"}[row.registered], row.answer)
        for row in current(as_duckdb(engine), page_rows())
    ]
    assert shown == [cells[:3] for cells in block.below.rows]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_each_engine_chooses_as_the_page_says(engine: str, seed: int) -> None:
    rows = list(made_up_rows(seed))
    assert current(as_duckdb(engine), rows) == expected(rows)


def test_postgresql_runs_the_statement_as_it_stands_like_redshift(postgres: PostgresServer) -> None:
    rows = list(made_up_rows(1))
    connection = postgres.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA warehouse; SET search_path = warehouse; SET TimeZone = 'UTC'")
            cursor.execute(_created("Redshift"))
            cursor.executemany(
                "INSERT INTO ekyc_results (number, task_type, registered, answer, verified_at, ekyc_task_id) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                rows,
            )
            cursor.execute(VIEW.code)
            cursor.execute('SELECT * FROM ekyc_current ORDER BY number COLLATE "C", task_type COLLATE "C"')
            found = [Row(*row) for row in cursor.fetchall()]
    finally:
        connection.close()  # nothing was committed
    # The table of the page has no time zone: Redshift's COPY gives UTC.
    assert found == [row._replace(verified_at=_naive(row.verified_at)) for row in expected(rows)]


def _created(heading: str) -> str:
    """Return the page's statement that makes the table of an engine."""
    code = next(block.code for block in BLOCKS if block.heading == heading and "TABLE ekyc_results" in block.code)
    return code.partition(";")[0]


def _naive(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=None)


def test_duckdb_shows_the_same_over_the_iceberg_table(tmp_path: Path) -> None:
    rows = list(made_up_rows(2))
    catalog = load_catalog(
        "made_up", type="sql", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/warehouse"
    )
    catalog.create_namespace("ekyc")
    table = catalog.create_table("ekyc.results", **creation_arguments())
    schema = table.schema().as_arrow()
    # Three appends are three snapshots, as three landings are.
    for start in range(0, len(rows), 150):
        part = [row._asdict() for row in rows[start : start + 150]]
        table.append(pa.Table.from_pylist(part, schema))
    with duckdb.connect() as connection:
        for name in ("avro", "iceberg"):
            connection.execute(f"LOAD '{_extension(name)}'")
        connection.execute("SET TimeZone = 'UTC'")
        metadata = table.metadata_location.removeprefix("file://")
        connection.execute(f"CREATE VIEW ekyc_results AS SELECT * FROM iceberg_scan('{metadata}')")
        connection.execute(VIEW.code)
        found = connection.execute("SELECT * FROM ekyc_current ORDER BY number, task_type").fetchall()
    assert [Row(*row) for row in found] == expected(rows)


def _extension(name: str) -> Path:
    """Return the file of an extension of DuckDB that is installed as a package."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    assert spec is not None
    (file,) = Path((spec.submodule_search_locations or [])[0]).rglob("*.duckdb_extension")
    return file


@pytest.mark.parametrize("seed", range(3))
def test_freshness_goes_by_the_answer_that_the_view_shows(seed: int) -> None:
    rows = [row for row in made_up_rows(seed, ties=False) if row.task_type == "amazon"]
    windows = Windows(yes=8 * DAY, no=4 * DAY, unknown=None)
    now = START + timedelta(hours=400)
    ages = [history.Row(row.number, row.registered, now - row.verified_at) for row in rows if row.verified_at]
    source = history.Rows(ages)
    numbers = sorted({int(row.number) for row in rows})
    with history.candidates(numbers) as candidates:
        find_fresh(candidates, source, windows, "amazon", history.NOW, None)
        to_verify = history.kept_numbers(candidates)
    shown = {int(row.number): row for row in current(VIEW.code, rows)}
    young = {True: windows.yes, False: windows.no, None: None}
    assert to_verify == [number for number in numbers if not _is_young(shown[number], young, now)]
    assert 0 < len(to_verify) < len(numbers)


def _is_young(row: Row, windows: dict[bool | None, timedelta | None], now: datetime) -> bool:
    window = windows[row.registered]
    return window is not None and row.verified_at is not None and now - row.verified_at < window


def test_an_engine_that_sorts_nulls_first_would_be_noticed() -> None:
    rows = list(made_up_rows(0))
    without = VIEW.code.replace("            CASE WHEN verified_at IS NULL THEN 1 ELSE 0 END,\n", "")
    assert without != VIEW.code
    (statement,) = parse(without, "snowflake")
    assert current(statement.sql("duckdb"), rows) != expected(rows)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.heading}, {block.code.splitlines()[0]}")
def test_each_statement_of_the_page_is_of_its_dialect(block: page.Block) -> None:
    for dialect in block.dialects:
        not_parsed = [statement for statement in parse(block.code, dialect) if isinstance(statement, exp.Command)]
        # Kept as text by sqlglot: it does not know this statement.
        known = [str(statement) for statement in not_parsed if dialect != "bigquery"]
        assert known == []


def test_a_statement_that_is_not_of_its_dialect_would_be_noticed() -> None:
    with pytest.raises(sqlglot.errors.ParseError):
        parse("CREATE VIEW ekyc_current AS SELECT number FROM ekyc_results WHERE (", "trino")
