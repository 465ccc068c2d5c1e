"""A Redis of our own on 127.0.0.1: a data folder of its own, a password, and no persistence."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from dev.stack.processes import LOOPBACK, ChildProcess, Stoppable, free_ports

READY_TIMEOUT = 30.0
#: Debian's package; it starts a server of its own at its installation where there is an init system.
PACKAGE = "redis-server"


def redis_binary() -> Path:
    """Find Redis's server, and install Debian's package if there is none and this process may.

    :return: its path
    :raises FileNotFoundError: if it is not there and can't be installed
    """
    found = shutil.which(PACKAGE)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # A machine whose lists of packages are absent or old needs them first.
        for command in (["update"], ["install", "--yes", PACKAGE]):
            subprocess.run(["apt-get", *command], env=environment, capture_output=True, check=False)
        found = shutil.which(PACKAGE)
    if found is None:
        raise FileNotFoundError(f"{PACKAGE}: not installed. On Debian: apt-get install {PACKAGE}")
    return Path(found)


class RedisServer(Stoppable):
    """An empty Redis for as long as the context lasts.

    It writes nothing to disk: after :meth:`kill` and :meth:`launch` it is empty, which is the worst that a restart can
    do to the messages in it.

    :param log_file: takes its output
    """

    def __init__(self, log_file: Path) -> None:
        self._binary = redis_binary()
        self._log_file = log_file
        self._password = f"made-up-{secrets.token_hex(12)}"
        self._port = free_ports(1)[0]
        self._directory: Path | None = None
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The broker's address, with the password."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    @property
    def version(self) -> str:
        """The server's version."""
        said = subprocess.run([str(self._binary), "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"v=(\S+)", said)
        return found.group(1) if found else said.strip()

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._process is None:
            raise RuntimeError("Redis is not running")
        return self._process.pid

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self._directory = Path(tempfile.mkdtemp(prefix="ekyc-redis-"))
        settings = self._directory / "redis.conf"
        settings.touch(mode=0o600)
        # In a file: a command line can be read by every user of the machine.
        settings.write_text(f'requirepass {self._password}\nsave ""\nappendonly no\ndir {self._directory}\n')
        self._process = ChildProcess(
            "Redis",
            [str(self._binary), str(settings), "--bind", LOOPBACK, "--port", str(self._port), "--daemonize", "no"],
            self._log_file,
            directory=self._directory,
            scratch=[self._directory],
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        if self._process is not None:
            self._process.wait_until(self._answers, READY_TIMEOUT)

    def kill(self) -> None:
        """End it with SIGKILL; all that it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self._port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                return b"PONG" in connection.recv(100)
        except OSError:
            return False
