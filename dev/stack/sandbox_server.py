"""The sandbox of the API as a process of its own, as the demo and the tests use it."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import requests

from dev.stack.processes import LOOPBACK, ChildProcess, Stoppable, free_ports

READY_TIMEOUT = 60.0


class SandboxServer(Stoppable):
    """The ``ekyc-sandbox`` command for as long as the context lasts.

    :param log_file: takes its output
    :param pace: rows it works through per second
    :param options: further options of the command
    """

    def __init__(self, log_file: Path, pace: float = 400.0, options: tuple[str, ...] = ()) -> None:
        self.api_key = f"made-up-key-{secrets.token_hex(12)}"
        self._log_file = log_file
        self._pace = pace
        self._options = options
        self._port = free_ports(1)[0]
        self._process: ChildProcess | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def url(self) -> str:
        """Base address of the API."""
        return f"http://{LOOPBACK}:{self._port}"

    def connection(self, **extra: Any) -> dict[str, Any]:
        """Describe it as an Airflow connection.

        :param extra: further extras of the connection
        :return: the connection, ready to be written as JSON
        """
        return {
            "conn_type": "ekyc",
            "host": self.url.rpartition(":")[0],
            "port": int(self.url.rpartition(":")[2]),
            "password": self.api_key,
            "extra": {"result_hosts": self.url, **extra},
        }

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self._process = ChildProcess(
            "The sandbox",
            [
                str(Path(sys.executable).with_name("ekyc-sandbox")),
                *("--host", LOOPBACK, "--port", str(self._port)),
                *("--api-key", self.api_key, "--pace", f"{self._pace:g}"),
                *self._options,
            ],
            self._log_file,
            grace=5.0,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Wait until it answers.

        :param timeout: seconds
        """
        if self._process is None:
            raise RuntimeError("the sandbox is not running")

        def answers() -> bool:
            try:
                self.bill()
            except requests.RequestException:
                return False
            return True

        self._process.wait_until(answers, timeout)

    def bill(self) -> dict[str, Any]:
        """Ask what was charged.

        :return: the bill
        """
        answer = self._session.get(f"{self.url}/sandbox/bill", headers={"X-API-Key": self.api_key}, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()
            self._process = None
