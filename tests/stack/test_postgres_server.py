from __future__ import annotations

import psutil
import psycopg2
import pytest

from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import LOOPBACK
from tests.stack.listening import listening_addresses


def test_a_statement_is_executed_and_logged(postgres: PostgresServer) -> None:
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 6 * 7")
        assert cursor.fetchone() == (42,)
    connection.close()
    assert "SELECT 6 * 7" in postgres.log


def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=LOOPBACK, port=postgres.port, user="demo", password="another", dbname="postgres")


def test_it_listens_on_loopback_alone(postgres: PostgresServer) -> None:
    assert listening_addresses(postgres.pid) == {LOOPBACK}


def test_nothing_is_left_when_it_has_stopped() -> None:
    with PostgresServer() as server:
        pid, directory = server.pid, server.directory
        assert psutil.Process(pid).username() != "root"
    assert not psutil.pid_exists(pid)
    assert not directory.exists()
