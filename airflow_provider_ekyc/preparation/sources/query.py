"""A query as a list: one column of its rows as lines, as they arrive."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from airflow_provider_ekyc.arguments import read_text
from airflow_provider_ekyc.exceptions import (
    EkycError,
    EkycNoConnectionError,
    EkycNumbersError,
    EkycSettingsError,
    EkycUnreadableInputError,
)
from airflow_provider_ekyc.numbers.address import NOTHING_SENT
from airflow_provider_ekyc.preparation.sources.cells import cell_lines, cell_text
from airflow_provider_ekyc.preparation.sources.columns import column_of
from airflow_provider_ekyc.preparation.sources.options import TableOptions

#: Rows that are fetched at a time.
FETCH_ROWS: Final = 10_000

#: PEP 249: errors that may be gone later. All others are of the statement, of its data or of permissions.
_PASSING: Final = ("OperationalError", "InterfaceError", "InternalError")


def query_name(conn_id: object) -> str:
    """Return how messages name a query."""
    return f"the query on the connection {conn_id!r}"


def query_blocks(sql: object, conn_id: object, options: TableOptions) -> Generator[bytes, None, None]:
    """
    Run a query and read one column of its rows, which are never all in memory where the driver allows it.

    PostgreSQL (psycopg2 and psycopg) is read by a named cursor: the server keeps the rows, and sends as many as are
    fetched. Other databases are read by their plain cursor, ``FETCH_ROWS`` at a time: whether its driver reads all
    rows first is up to that.

    Messages have the class of an error and its SQLSTATE alone: what a database says may quote rows and values.

    :param sql: one statement that returns rows
    :param conn_id: Airflow connection whose hook is a ``DbApiHook``
    :param options: which column, if there are several
    :return: one line for each row, in blocks; a null is a blank line
    :raises EkycSettingsError: if there is no such connection, or it is of no such database
    :raises EkycNumbersError: if the database refuses the statement, or it returns no rows or no such column
    :raises EkycUnreadableInputError: if the database can't be reached, or the connection breaks
    """
    statement, name = read_text("sql", sql), query_name(conn_id)
    hook = _hook(read_text("conn_id", conn_id))
    with (
        _errors_hidden(name),
        closing(hook.get_conn()) as connection,
        closing(_cursor(connection)) as cursor,
    ):
        cursor.execute(statement)
        rows = cursor.fetchmany(FETCH_ROWS)
        key: Any = _place(cursor.description, options, name)
        if rows and isinstance(rows[0], Mapping):  # a connection may ask for rows as dictionaries
            key = cursor.description[key][0]
        while rows:
            yield cell_lines([cell_text(row[key]) for row in rows])
            rows = cursor.fetchmany(FETCH_ROWS)


def _hook(conn_id: str) -> Any:
    from airflow_provider_ekyc.airflow_sdk import AirflowNotFoundException, BaseHook

    try:
        from airflow.providers.common.sql.hooks.sql import DbApiHook
    except ImportError:
        raise EkycSettingsError(
            "sql needs the Airflow provider common.sql. Nothing was sent. Install the provider of your database, such "
            "as apache-airflow-providers-postgres, on the workers."
        ) from None
    try:
        hook = BaseHook.get_connection(conn_id).get_hook()
    except AirflowNotFoundException:
        raise EkycNoConnectionError(
            f"Airflow has no connection {conn_id!r}, or could not read it just now. {NOTHING_SENT} Create it, or "
            f"correct conn_id."
        ) from None
    except Exception as error:  # noqa: BLE001  of a provider that is missing, or of a form that can't be read
        raise EkycSettingsError(
            f"The connection {conn_id!r} can't be used ({type(error).__name__}). {NOTHING_SENT} Install the provider "
            f"of its type on the workers, and check its fields."
        ) from None
    if not isinstance(hook, DbApiHook):
        raise EkycSettingsError(
            f"The connection {conn_id!r} is not one of an SQL database. {NOTHING_SENT} Correct conn_id."
        )
    return hook


def _cursor(connection: Any) -> Any:
    """Return a server-side cursor where the driver has one."""
    if type(connection).__module__.partition(".")[0] in ("psycopg2", "psycopg"):
        return connection.cursor(name=f"ekyc_{secrets.token_hex(8)}")
    return connection.cursor()


def _place(description: Sequence[Sequence[Any]] | None, options: TableOptions, name: str) -> int:
    if not description:
        raise EkycNumbersError(f"{_capital(name)} returned no rows to read. {NOTHING_SENT} Set sql to a SELECT.")
    return column_of([str(column[0]) for column in description], options, _capital(name))


@contextmanager
def _errors_hidden(name: str) -> Iterator[None]:
    try:
        yield
    except (EkycError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001  each driver has errors of its own; their texts may quote rows
        raise _database_error(name, error) from None


def _database_error(name: str, error: Exception) -> EkycError:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    shown = type(error).__name__ + (f", SQLSTATE {state}" if isinstance(state, str) and state.isalnum() else "")
    said = f"{_capital(name)} failed ({shown}). {NOTHING_SENT}"
    if any(kind.__name__ in _PASSING for kind in type(error).__mro__):
        return EkycUnreadableInputError(
            f"{said} A retry runs it again. The database's own log has the rest; the connection may be wrong, too."
        )
    return EkycNumbersError(f"{said} A retry can't help. Run the statement in the database to see what it says.")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
