"""A PostgreSQL server of our own on 127.0.0.1: a fresh cluster in a temporary folder, with a password."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dev.stack.processes import LOOPBACK, ChildProcess, ProcessError, Stoppable, free_ports

READY_TIMEOUT = 60.0
DATABASE = "postgres"
USER = "demo"

# Who runs the server if this process is root, which PostgreSQL refuses: the user of Debian's package, or any other.
_OTHER_USERS = ("postgres", "nobody")
_DEBIAN = Path("/usr/lib/postgresql")


def postgres_binary(name: str) -> Path:
    """Find one of PostgreSQL's programs, of the newest release that is installed.

    :param name: ``initdb`` or ``postgres``, which Debian does not put on the path
    :return: its path
    """
    installed = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(re.sub(r"[^0-9.]", "", path.parts[-3])))
    found = installed[-1] if installed else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name}: not installed. On Debian: apt-get install postgresql")
    return Path(found)


class PostgresServer(Stoppable):
    """A fresh, empty database server for as long as the context lasts; each statement is in its log.

    :param log_file: takes the server's output; inside the data directory by default
    :param settings: further settings of the server, such as ``max_connections``; they win
    """

    def __init__(self, log_file: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.password = f"made-up-{secrets.token_hex(16)}"
        self._port = free_ports(1)[0]
        self._log_file = log_file
        self._settings = dict(settings or {})
        self._directory: Path | None = None
        self._process: ChildProcess | None = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._port

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._running().pid

    @property
    def directory(self) -> Path:
        """Where its data are, for as long as it runs."""
        if self._directory is None:
            raise RuntimeError("the PostgreSQL server is not running")
        return self._directory

    @property
    def log(self) -> str:
        """What the server has logged: each statement as it was sent."""
        return self._running().log_file.read_text(errors="replace")

    def start(self) -> None:
        """Make the cluster, start the server, and wait until it answers."""
        self._directory = directory = Path(tempfile.mkdtemp(prefix="ekyc-postgres-"))
        data, password = directory / "data", directory / "password"
        data.mkdir()
        password.touch(mode=0o600)
        password.write_text(self.password)
        user = _other_user()
        if user is not None:
            for path in (directory, data, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        as_user = [] if user is None else ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
        as_user += ["--clear-groups", "--"] if as_user else []
        made = subprocess.run(
            [
                *as_user,
                str(postgres_binary("initdb")),
                *(f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            cwd=directory,
        )
        if made.returncode:
            raise ProcessError(f"initdb failed:\n{made.stderr}")
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self._port,
            "unix_socket_directories": "",
            "fsync": "off",
            "log_statement": "all",
            **self._settings,
        }
        self._process = ChildProcess(
            "The PostgreSQL server",
            [
                *as_user,
                str(postgres_binary("postgres")),
                *("-D", str(data)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            self._log_file or directory / "postgres.log",
            directory=directory,
            scratch=[directory],
        )
        self._process.wait_until(self._answers, READY_TIMEOUT)

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None:
            if self._process.alive:
                # At once: its data are removed. Unlike SIGKILL it still frees its shared memory.
                os.kill(self._process.pid, signal.SIGQUIT)
            self._process.stop()
            self._process = None
        elif self._directory is not None:
            shutil.rmtree(self._directory)  # there was no server that would remove it
        self._directory = None

    def connect(self, database: str = DATABASE) -> Any:
        """Connect with psycopg2.

        :param database: its name
        :return: the connection; close it
        """
        import psycopg2

        return psycopg2.connect(
            host=LOOPBACK, port=self._port, user=USER, password=self.password, dbname=database, connect_timeout=5
        )

    def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own.

        :param statements: of SQL
        """
        connection = self.connect()
        try:
            for statement in statements:
                with connection, connection.cursor() as cursor:
                    cursor.execute(statement)
        finally:
            connection.close()

    @property
    def airflow_url(self) -> str:
        """What Airflow's setting ``sql_alchemy_conn`` is, to keep its own tables here; it holds the password."""
        # The driver by name: what a bare postgresql:// means differs between releases of SQLAlchemy.
        return f"postgresql+psycopg2://{USER}:{self.password}@{LOOPBACK}:{self._port}/{DATABASE}"

    @classmethod
    def for_airflow(cls, log_file: Path) -> Self:
        """Return the server of an Airflow whose scheduler has to last.

        On SQLite a write that waits 15 s for another one ends the scheduler ("database is locked"), and no run goes on.

        :param log_file: takes the server's output, without the statements
        """
        return cls(log_file, {"log_statement": "none"})

    def connection(self, **extra: Any) -> dict[str, Any]:
        """Describe it as an Airflow connection.

        :param extra: extras of the connection
        :return: the connection, ready to be written as JSON
        """
        return {
            "conn_type": "postgres",
            "host": LOOPBACK,
            "port": self._port,
            "login": USER,
            "password": self.password,
            "schema": DATABASE,
            "extra": extra,
        }

    def _answers(self) -> bool:
        import psycopg2

        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("the PostgreSQL server is not running")
        return self._process


def _other_user() -> pwd.struct_passwd | None:
    """Return the user who runs the server, or None if this process's own can."""
    if os.geteuid():
        return None
    for name in _OTHER_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ProcessError(f"PostgreSQL does not run as root, and there is no user {' or '.join(_OTHER_USERS)}.")
