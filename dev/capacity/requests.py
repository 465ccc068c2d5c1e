"""
How many requests one file costs, counted: calls of S3 through a relay, of Airflow's Variables, and of the API.

    python -m dev.capacity.requests

Runs ``EkycPrepareNumbersOperator``, ``EkycSubmitOperator`` and ``EkycResultsToS3Operator`` as they are, against the
sandbox and a real S3 server, for a small file and for one whose objects go up in parts. The formulas of
``dev/capacity/plan.py`` are compared with these counts by ``tests/capacity/test_requests.py``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Relay
from dev.testing.task_context import TaskInstance, context_of
from dev.testing.variables import Variables

BUCKET = "ekyc-capacity"
KEY = "made-up-key-of-the-capacity-page"
#: Numbers of a file that is one put, and of one that goes up in parts: 2,800 bytes, and 16.8 MB.
SMALL, LARGE = 200, 1_200_000
#: A line of the lists.
_LINE = b"+9990%08d\n"


@dataclass(frozen=True, slots=True)
class Counted:
    """
    What one submission and one landing took.

    :param submit: calls of S3 by their name, as ``dev.testing.s3_relay.call_of`` has them
    :param variables: calls of Airflow's Variables by the submission: ``read``, ``write``, ``list``
    :param land: calls of S3
    :param api: calls of the API: ``balance``, ``submit``, ``status``, ``result``
    """

    submit: Counter[str]
    variables: Counter[str]
    land: Counter[str]
    api: Counter[str]


class CountingVariables(Variables):
    """Airflow's Variables in memory, which count the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def get(self, key: str, default: Any = ...) -> Any:
        """Count a read."""
        self.calls["read"] += 1
        return super().get(key, default)

    def set(self, key: str, value: str, description: str | None = None) -> None:
        """Count a write."""
        self.calls["write"] += 1
        super().set(key, value, description)

    def keys(self, prefix: str | None = None) -> list[str]:
        """Count a listing."""
        self.calls["list"] += 1
        return super().keys(prefix)


class Chain:
    """
    The servers and Airflow's Variables, for some files.

    :param sandbox: the API
    :param relay: before the S3 server
    """

    def __init__(self, sandbox: Sandbox, relay: S3Relay) -> None:
        self._sandbox, self._relay = sandbox, relay
        self._variables = CountingVariables()
        self._numbers_used = 0

    def prepare(self, name: str, rows: int) -> tuple[str, Counter[str]]:
        """
        Prepare a list of one file.

        :param name: of the list; no two lists have numbers in common
        :param rows: numbers in it
        :return: the address of the file, and the calls of S3
        """
        from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator

        first = self._numbers_used
        self._numbers_used += rows
        with tempfile.NamedTemporaryFile(suffix=".txt") as source, self._counting() as calls:
            source.write(b"".join(_LINE % number for number in range(first, first + rows)))
            source.flush()
            operator = EkycPrepareNumbersOperator(
                task_id="prepare", numbers=source.name, destination_uri=f"s3://{BUCKET}/lists/{name}"
            )
            (file,) = operator.execute(context_of(TaskInstance(task_id="prepare", run_id=name)))
        return file, calls

    def submit_and_land(self, file: str, *, journal_uri: str | None, map_index: int) -> Counted:
        """
        Submit a file, and land its result.

        :param file: its address
        :param journal_uri: where the submission is recorded; None for Airflow's Variables
        :param map_index: of the submission; those before it, in the same run, were submitted before
        """
        from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
        from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

        before = Counter(self._sandbox.calls)
        self._variables.calls.clear()
        variables = mock.patch("airflow_provider_ekyc.submission.variable_store.Variable", self._variables)
        with self._counting() as submitted, variables:
            instance = TaskInstance(task_id="submit", run_id=str(journal_uri), map_index=map_index)
            context = context_of(instance, dag_run=SimpleNamespace(start_date=None))
            ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=file, journal_uri=journal_uri).execute(context)
        with self._counting() as landed:
            EkycResultsToS3Operator(
                task_id="land",
                ekyc_task_id=ekyc_task_id,
                s3_key=f"s3://{BUCKET}/results/{ekyc_task_id}.parquet",
                output_format="parquet",
            ).execute(context_of(TaskInstance(task_id="land", map_index=map_index)))
        return Counted(submitted, Counter(self._variables.calls), landed, Counter(self._sandbox.calls) - before)

    @contextmanager
    def _counting(self) -> Iterator[Counter[str]]:
        calls: Counter[str] = Counter()
        self._relay.calls.clear()
        yield calls
        calls.update(self._relay.calls)


@contextmanager
def chain() -> Iterator[Chain]:
    """Start the sandbox, an S3 server and the relay before it, with their connections in the environment."""
    with S3Server() as server, Sandbox(KEY) as sandbox, S3Relay(server.endpoint_url) as relay:
        server.create_bucket(BUCKET)
        aws = server.connection()
        aws["extra"]["endpoint_url"] = relay.endpoint_url
        ekyc = {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": {"result_hosts": sandbox.url}}
        connections = {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws), "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(ekyc)}
        with mock.patch.dict(os.environ, connections):
            yield Chain(sandbox, relay)


def main() -> None:
    """Count and print."""
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ekyc-capacity-"))
    with chain() as running:
        for rows in (SMALL, LARGE):
            _, calls = running.prepare(f"{rows}", rows)
            print(f"prepare, {rows:,} numbers: {shown(calls)}")
        for name, uri in (("Variables", None), ("S3", f"s3://{BUCKET}/journal")):
            for index in range(3):
                file, _ = running.prepare(f"{name}-{index}", SMALL)
                counted = running.submit_and_land(file, journal_uri=uri, map_index=index)
                print(f"journal in {name}, map index {index}: submit: {shown(counted.submit)}")
                print(
                    f"  Variables: {shown(counted.variables)}; land: {shown(counted.land)}; API: {shown(counted.api)}"
                )


def shown(calls: Counter[str]) -> str:
    """Return counts as text, by name."""
    return ", ".join(f"{count} {name}" for name, count in sorted(calls.items()) if count) or "none"


if __name__ == "__main__":
    main()
