"""
Both ends of a move as processes of their own, with TLS, on free ports of 127.0.0.1.

A server answers every line on its standard input with what it has done so far, and ends with that input: it can't
outlive the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airflow_provider_ekyc.sandbox.tls import Certificate, make_certificate
from dev.benchmarks.json_process import JsonProcess
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_listener import listen
from dev.benchmarks.move_pace import LOOPBACK, Network
from dev.benchmarks.move_sink import Sink
from dev.benchmarks.move_source import Export, Source


@dataclass(frozen=True, slots=True)
class Done:
    """
    What a server has done since it started.

    :param cpu: seconds of its process, user and system
    :param moved: bytes of archives sent, or of objects and parts received
    :param landed: objects that were put, or completed
    """

    cpu: float
    moved: int
    landed: int = 0

    def __sub__(self, before: Done) -> Done:
        return Done(self.cpu - before.cpu, self.moved - before.moved, self.landed - before.landed)


class Server:
    """
    One of the two as a process.

    :param kind: ``source`` or ``sink``
    :param settings: what it needs, as JSON
    """

    def __init__(self, kind: str, settings: Mapping[str, Any]) -> None:
        self._process = JsonProcess(f"the {kind}", __name__, [kind, json.dumps(settings)])
        self.url = f"https://127.0.0.1:{self._process.answer()['port']}"

    def done(self) -> Done:
        """Ask what it has done so far."""
        return Done(**self._process.ask(None))

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class Servers:
    """
    Source and sink for as long as the context lasts.

    :param archives: what the source exports, each as the task of its name
    :param network: the speed of each connection
    """

    def __init__(self, archives: list[Archive], network: Network = LOOPBACK) -> None:
        self._archives, self._network = archives, network
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ekyc-bench-")))
        certificate = make_certificate(folder)
        self.certificate, self.ca_file = certificate, folder / "ca.pem"
        settings = {
            "cert_file": str(certificate.cert_file),
            "key_file": str(certificate.key_file),
            "network": self._network.as_dict(),
        }
        exports = {
            made.name: {"rows": made.rows, "path": str(made.path), "sha256": made.sha256} for made in self._archives
        }
        try:
            self.source = Server("source", {**settings, "exports": exports})
            self._stack.callback(self.source.stop)
            self.sink = Server("sink", settings)
            self._stack.callback(self.sink.stop)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def main(kind: str, settings: Mapping[str, Any]) -> int:
    """Serve until the standard input ends."""
    certificate = Certificate(Path(settings["cert_file"]), Path(settings["key_file"]))
    network = Network(**settings["network"])
    if kind == "source":
        exports = {
            name: Export(made["rows"], Path(made["path"]), made["sha256"]) for name, made in settings["exports"].items()
        }
        source = Source(exports)
        port = listen(certificate.context(), source.serve, network)
        source.url = f"https://127.0.0.1:{port}"
        _report(port=port)
        for _ in sys.stdin:
            _report(cpu=time.process_time(), moved=source.moved)
    else:
        sink = Sink()
        _report(port=listen(certificate.context(), sink.serve, network))
        for _ in sys.stdin:
            _report(cpu=time.process_time(), moved=sink.moved, landed=sink.landed)
    return 0


def _report(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    code = main(sys.argv[1], json.loads(sys.argv[2]))
    os._exit(code)  # connections of clients that are still open keep nobody waiting
