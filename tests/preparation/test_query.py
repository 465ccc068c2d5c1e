"""A query on a real PostgreSQL as a list. Module: ``preparation/sources/query.py``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import (
    EkycNoConnectionError,
    EkycNumbersError,
    EkycSettingsError,
    EkycUnreadableInputError,
)
from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists
from airflow_provider_ekyc.preparation.sources.cells import cell_text
from dev.stack.postgres_server import PostgresServer
from tests.preparation.reading import FIRST, SECOND, read

ROWS = 1_000_000


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresServer:
    """The server, by the connection ``customers``."""
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps(postgres.connection()))
    return postgres


def rows_of(sql: str, **arguments: Any) -> list[str]:
    return read(sql=sql, conn_id="customers", **arguments)[0][1]


def test_one_column_is_read_whatever_its_type(database: PostgresServer) -> None:
    values = f"(1, '{FIRST}', {FIRST[1:]}, {FIRST[1:]}.0, NULL), (2, E'{SECOND}\\n', 12, 1.5, '')"
    table = f"(VALUES {values}) AS t (id, phone, digits, amount, empty) ORDER BY id"
    assert rows_of(f"SELECT phone FROM {table}") == [FIRST, SECOND]
    assert rows_of(f"SELECT * FROM {table}", column="PHONE") == [FIRST, SECOND]
    assert rows_of(f"SELECT * FROM {table}", column=3) == [FIRST[1:], "12"]
    assert rows_of(f"SELECT * FROM {table}", column="amount") == [FIRST[1:], "1.5"]
    assert rows_of(f"SELECT * FROM {table}", column="empty") == ["", ""]
    assert rows_of("SELECT 'x' AS phone WHERE false") == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_binary_column_is_read_as_text_whatever_its_driver_returns(kind: Any) -> None:
    assert cell_text(kind(FIRST.encode())) == FIRST


def test_a_million_rows_are_fetched_as_they_are_read_from_a_cursor_of_the_server(database: PostgresServer) -> None:
    sql = f"SELECT '+999' || lpad(n::text, 10, '0') AS phone FROM generate_series(1, {ROWS}) AS n"
    held = database.log.count("FETCH FORWARD")
    rows = largest = 0
    with open_lists(ListArguments(sql=sql, conn_id="customers")) as lists:
        for opened in lists:
            assert (opened.name, opened.first_row) == ("the query on the connection 'customers'", 1)
            for block in opened.blocks:
                rows += block.count(b"\n")
                largest = max(largest, len(block))
                if rows == 10_000:
                    # A tenth of a per cent is here, and the server has been asked for no more.
                    assert database.log.count("FETCH FORWARD") - held == 1
    assert rows == ROWS
    assert largest == 10_000 * 15
    assert 'DECLARE "ekyc_' in database.log
    assert database.log.count("FETCH FORWARD 10000") - held == ROWS // 10_000 + 1


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"SELECT '{FIRST}x'::bigint", "DataError|InvalidTextRepresentation, SQLSTATE 22P02"),
        ("SELECT phone FROM missing", "UndefinedTable, SQLSTATE 42P01"),
        ("SELECT 1 AS a, 2 AS b", "has 2 columns"),
        (f"SELECT 1 / (n - 20000) || '{FIRST}' FROM generate_series(1, 30000) AS n", "DivisionByZero"),
        ("CREATE TABLE made (id int)", "SyntaxError"),
    ],
)
def test_what_the_database_refuses_is_an_error_without_rows_or_values(
    database: PostgresServer, sql: str, message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message) as raised:
        rows_of(sql)
    assert "Nothing was sent." in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_a_connection_that_breaks_is_an_error_that_a_retry_may_help(database: PostgresServer) -> None:
    sql = "SELECT '+999' || n FROM generate_series(1, 100000) AS n"
    with open_lists(ListArguments(sql=sql, conn_id="customers")) as lists:
        blocks = next(lists).blocks
        next(blocks)
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'FETCH FORWARD%'")
        with pytest.raises(EkycUnreadableInputError, match="A retry runs it again"):
            list(blocks)


def test_the_cursor_and_the_connection_are_closed_with_the_block(database: PostgresServer) -> None:
    with open_lists(ListArguments(sql="SELECT generate_series(1, 100000)", conn_id="customers")) as lists:
        next(next(lists).blocks)
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH FORWARD%'")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_a_server_that_is_not_there_is_an_error_that_a_retry_may_help(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {**postgres.connection(), "port": 1}
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps(absent))
    with pytest.raises(EkycUnreadableInputError, match="OperationalError"):
        rows_of("SELECT 1")


def test_a_connection_must_exist_and_be_of_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EkycNoConnectionError, match="no connection 'customers'"):
        rows_of("SELECT 1")
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps({"conn_type": "aws"}))
    with pytest.raises(EkycSettingsError, match="not one of an SQL database"):
        rows_of("SELECT 1")
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps({"conn_type": "nothing"}))
    with pytest.raises(EkycSettingsError, match="can't be used"):
        rows_of("SELECT 1")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("rows", ["tuples", "dictionaries"])
def test_both_drivers_of_postgresql_are_read_by_a_cursor_of_the_server(
    database: PostgresServer, monkeypatch: pytest.MonkeyPatch, driver: str, rows: str
) -> None:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from airflow_provider_ekyc.airflow_sdk import Connection

    connect: Any
    if driver == "psycopg":
        from psycopg import connect
        from psycopg.rows import dict_row, tuple_row

        how = {"row_factory": dict_row if rows == "dictionaries" else tuple_row}
    else:
        from psycopg2 import connect, extensions, extras

        how = {"cursor_factory": extras.RealDictCursor if rows == "dictionaries" else extensions.cursor}
    where = {"host": "127.0.0.1", "port": database.port, "user": "demo", "password": database.password}

    class Hook(DbApiHook):
        conn_name_attr = "customers_conn_id"

        def get_conn(self) -> Any:
            return connect(dbname="postgres", **where, **how)

    monkeypatch.setattr(Connection, "get_hook", lambda self, **_: Hook())
    held = database.log.count("DECLARE")
    assert rows_of(f"SELECT 1 AS id, '{FIRST}' AS phone UNION SELECT 2, NULL ORDER BY 1", column=2) == [FIRST, ""]
    assert database.log.count("DECLARE") - held == 1
    # As it is written: a per cent sign is no parameter.
    assert rows_of(f"SELECT '{FIRST}' AS phone WHERE '{FIRST}' LIKE '+1%' AND 5 % 3 = 2; -- all of them\n") == [FIRST]
    with pytest.raises(EkycNumbersError, match="SQLSTATE 42P01"):
        rows_of("SELECT phone FROM missing")


def test_sql_and_numbers_exclude_each_other_and_conn_id_is_needed() -> None:
    with pytest.raises(EkycSettingsError, match="exclude each other"):
        read(sql="SELECT 1", conn_id="customers", numbers="a.txt")
    with pytest.raises(EkycSettingsError, match="conn_id is empty"):
        read(sql="SELECT 1")


def test_another_database_is_read_by_its_plain_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from airflow_provider_ekyc.airflow_sdk import Connection

    path = tmp_path / "customers.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE customers (phone text)")
        made.executemany("INSERT INTO customers VALUES (?)", [(FIRST,)] * 25_000)

    class SqliteHook(DbApiHook):  # that of Airflow's provider, which is not installed
        conn_name_attr = "sqlite_conn_id"

        def get_conn(self) -> Any:
            return sqlite3.connect(path)

    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS", json.dumps({"conn_type": "sqlite"}))
    monkeypatch.setattr(Connection, "get_hook", lambda self, **_: SqliteHook())
    assert rows_of("SELECT phone FROM customers") == [FIRST] * 25_000
    with pytest.raises(EkycUnreadableInputError, match="OperationalError"):
        rows_of("SELECT phone FROM missing")
    with pytest.raises(EkycNumbersError) as failed:
        rows_of("DELETE FROM customers")
    assert str(failed.value) == (
        "The query on the connection 'customers' returned no rows to read. Nothing was sent. Set sql to a SELECT."
    )
    assert len(rows_of("SELECT phone FROM customers")) == 25_000  # it was not committed
