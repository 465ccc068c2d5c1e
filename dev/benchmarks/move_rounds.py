"""Rounds of moves: one method after the other, again and again, each in its own warm process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from uuid import uuid4

from dev.benchmarks.move_child import Idle, MoveChild, Spent
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_methods import Job
from dev.benchmarks.move_servers import Done, Servers
from dev.benchmarks.move_source import result_path

BUCKET = "bench"


@dataclass(frozen=True, slots=True)
class Method:
    """
    One way to do it.

    :param name: as the table shows it
    :param function: ``module:function``
    :param figure: its name among the figures, where it has one; the size is put behind it
    :param carries: what must go through the servers: the whole ``archive``, or another ``table`` of it
    :param in_process: whether the process that is measured does the work itself, so that its memory is known
    """

    name: str
    function: str
    figure: str = ""
    carries: Literal["archive", "table", "nothing"] = "archive"
    in_process: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One move.

    :param spent: by the method's process
    :param source_cpu: CPU seconds of the source
    :param sink_cpu: CPU seconds of the sink
    """

    spent: Spent
    source_cpu: float
    sink_cpu: float


@dataclass(slots=True)
class Measured:
    """All moves of a method; sample *n* of each method is from the same round."""

    method: Method
    idle: Idle
    samples: list[Sample] = field(default_factory=list)

    @property
    def above_idle_mib(self) -> float | None:
        """Peak resident memory of all moves, less that of an idle process with the same imports."""
        if not self.method.in_process:
            return None
        return max(sample.spent.peak_mib for sample in self.samples) - self.idle.peak_mib


@contextmanager
def child_environment(
    servers: Servers, sink_url: str | None = None, credentials: tuple[str, str] = ("made-up", "made-up")
) -> Iterator[Mapping[str, str]]:
    """
    Give the environment of the children: connections, trust in the certificate, a home for Airflow.

    :param sink_url: another S3 than the sink
    :param credentials: access key and secret for S3
    """
    source, sink, ca_file = servers.source.url, sink_url or servers.sink.url, str(servers.ca_file)
    host, _, port = source.removeprefix("https://").partition(":")
    connections = {
        "bench_source": {"conn_type": "http", "host": host, "port": int(port), "schema": "https"},
        "aws_default": {
            "conn_type": "aws",
            "login": credentials[0],
            "password": credentials[1],
            "extra": {"endpoint_url": sink, "region_name": "us-east-1"},
        },
        "ekyc_default": {
            "conn_type": "ekyc",
            "host": source,
            "password": "made-up-key-0123456789abcdef",
            "extra": {"result_hosts": source, "ca_file": ca_file},
        },
    }
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-airflow-") as home:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))},
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()},
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AWS_CA_BUNDLE": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
            "BENCH_SOURCE": source,
            "BENCH_SINK": sink,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


def job(made: Archive, spool_dir: Path, key: str = "result") -> Job:
    """Return what to move for an archive."""
    return Job(
        ekyc_task_id=made.name,
        rows=made.rows,
        endpoint=result_path(made.name),
        bucket=BUCKET,
        key=key,
        zip_path=str(made.path),
        zip_size=made.size,
        numbers_path=str(made.numbers_path),
        numbers_sha256=made.numbers_sha256,
        spool_dir=str(spool_dir),
    )


def at_new_key(one: Job) -> Job:
    """Return the same job with a key that has no object yet."""
    return replace(one, key=f"{one.key}-{uuid4().hex}")


def measure(
    methods: Sequence[Method], servers: Servers, environment: Mapping[str, str], warm: Job, one: Job, rounds: int
) -> list[Measured]:
    """
    Move ``one`` by every method in every round.

    :param warm: what the processes are warmed up with
    :raises ChildProcessError: if a move failed
    :raises ValueError: if the sink did not receive what it should have received
    """
    with ExitStack() as stack:
        children = []
        for method in methods:
            children.append(MoveChild(method.function, at_new_key(warm), environment))
            stack.callback(children[-1].stop)
        table = [Measured(method, child.idle()) for method, child in zip(methods, children, strict=True)]
        for _ in range(rounds):
            for measured, child in zip(table, children, strict=True):
                source, sink = servers.source.done(), servers.sink.done()
                spent = child.move(at_new_key(one))
                source, sink = servers.source.done() - source, servers.sink.done() - sink
                check_carried(measured.method, one.zip_size, source, sink)
                measured.samples.append(Sample(spent, source.cpu, sink.cpu))
    return table


def check_carried(method: Method, size: int, source: Done, sink: Done) -> None:
    """
    Check that a move was one.

    :param size: bytes of the archive
    :param source: what the source did meanwhile
    :param sink: what the sink did meanwhile
    :raises ValueError: if it was not
    """
    if method.carries == "nothing":
        return
    least = size if method.carries == "archive" else 1
    if source.moved < size or sink.moved < least or sink.landed != 1:
        raise ValueError(
            f"{method.name}: {source.moved:,} bytes were sent by the source and {sink.moved:,} received by the "
            f"sink, in {sink.landed} objects; the archive has {size:,}"
        )
