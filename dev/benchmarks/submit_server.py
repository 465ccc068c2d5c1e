"""
An API that takes submissions over TLS on a free port of 127.0.0.1, and keeps none of their bytes.

It ends with its standard input, so it can't outlive the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_ekyc.sandbox.tls import Certificate, make_certificate
from dev.benchmarks.json_process import JsonProcess
from dev.benchmarks.move_listener import Connection, listen


@contextmanager
def submit_server() -> Iterator[tuple[str, str]]:
    """Run one in a process of its own; give its base URL, and the PEM file of the authority to trust."""
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-") as folder:
        certificate = make_certificate(Path(folder))
        files = [str(certificate.cert_file), str(certificate.key_file)]
        process = JsonProcess("the API", __name__, files)
        try:
            yield f"https://127.0.0.1:{process.answer()['port']}", str(Path(folder) / "ca.pem")
        finally:
            process.stop()


def serve(connection: Connection) -> None:
    """Answer each submission with an id that says how many bytes its body had."""
    while head := connection.head():
        received = connection.drop_body(head)
        body = json.dumps({"task_id": f"bytes-{received}", "status": "init"}).encode()
        connection.answer("200 OK", body, Content_Type="application/json")


def main(cert_file: str, key_file: str) -> int:
    """Serve until the standard input ends."""
    port = listen(Certificate(Path(cert_file), Path(key_file)).context(), serve)
    print(json.dumps({"port": port}), flush=True)
    for _ in sys.stdin:
        pass
    return 0


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    os._exit(code)  # connections of clients that are still open keep nobody waiting
