"""What a StatsD server would receive, on a UDP socket of 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Metric:
    """
    One line of the StatsD protocol.

    :param name: with its prefix; without tags
    :param value: the number
    :param kind: ``c`` for a counter, ``ms`` for a timing, ``g`` for a gauge
    :param tags: those in the name, as InfluxDB writes them
    """

    name: str
    value: float
    kind: str
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, line: str) -> Metric:
        """
        Read a line.

        :param line: such as ``airflow.ekyc.rows,task_type=amazon:200|c``
        """
        stat, _, rest = line.rpartition(":")
        name, *tags = stat.split(",")
        value, kind = rest.split("|")[:2]
        pairs = (tag.partition("=") for tag in tags)
        return cls(name, float(value), kind, tuple((key, text) for key, _, text in pairs))


class StatsdReceiver:
    """A StatsD server for as long as the context lasts."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._lines: list[str] = []

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return int(self._socket.getsockname()[1])

    @property
    def lines(self) -> list[str]:
        """All lines so far, as they arrived."""
        return list(self._lines)

    def metrics(self, prefix: str = "") -> list[Metric]:
        """
        Return the metrics so far.

        :param prefix: with which their names begin
        """
        return [metric for metric in map(Metric.read, self.lines) if metric.name.startswith(prefix)]

    def sums(self, prefix: str = "") -> dict[str, float]:
        """
        Return name -> sum of all values so far.

        :param prefix: with which the names begin
        """
        sums: dict[str, float] = {}
        for metric in self.metrics(prefix):
            sums[metric.name] = sums.get(metric.name, 0.0) + metric.value
        return sums

    def __enter__(self) -> Self:
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        # An empty datagram ends the thread: closing a socket does not wake the thread that reads it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(10)
        self._socket.close()

    def _receive(self) -> None:
        while datagram := self._socket.recv(65536):
            self._lines += datagram.decode().splitlines()
