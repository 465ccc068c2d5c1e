from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore.credentials import Credentials

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Relay
from dev.testing.variables import Variables
from tests.conftest import API_KEY, aws_connection, empty_bucket
from tests.outcomes.iceberg_table import IcebergTable
from tests.outcomes.stage import Stage
from tests.outcomes.transfer_tries import TransferTries


@pytest.fixture
def clock() -> SimpleNamespace:
    """By how many seconds the sandbox's clock is ahead."""
    return SimpleNamespace(ahead=0.0)


@pytest.fixture
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """The API, with a clock that can be put forward."""
    with Sandbox(API_KEY, clock=lambda: time.time() + clock.ahead) as running:
        yield running


@pytest.fixture
def stage(
    sandbox: Sandbox,
    clock: SimpleNamespace,
    connect: Callable[..., None],
    numbers_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    no_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    variables: Variables,
) -> Iterator[Stage]:
    """One job between the servers; nothing waits, a kill kills."""
    connect(sandbox)
    caplog.set_level("INFO", "airflow_provider_ekyc")

    def logged() -> str:
        out, err = capfd.readouterr()
        # What goes through both is counted once.
        seen = list(dict.fromkeys(record.getMessage() for record in caplog.records))
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        printed = [line for line in (out + err).splitlines() if not any(message in line for message in seen)]
        return "\n".join([*lines, *printed])

    quick = SimpleNamespace(sleep=no_waits.append, time=time.time)
    monkeypatch.setattr(botocore.endpoint, "time", quick)
    with ExitStack() as servers:
        made = Stage(sandbox, clock, connect, numbers_file, tmp_path / "journal", logged, servers, variables)
        made.waited = no_waits
        before = signal.signal(signal.SIGALRM, made.die)
        yield made
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def relay(s3_server: S3Server) -> Iterator[S3Relay]:
    """One relay before the S3 server for all rows, so that they can share a client."""
    with S3Relay(s3_server.endpoint_url) as running:
        yield running


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """S3 clients by AWS connection: making one takes as long as a whole row."""
    return {}


@pytest.fixture(scope="session")
def client(s3_server: S3Server) -> Any:
    """A client past the relay, for the same reason one for all rows."""
    return s3_server.client()


@pytest.fixture
def s3(client: Any) -> Iterator[Any]:
    """The same; the bucket is empty at the start and at the end."""
    empty_bucket(client)
    yield client
    empty_bucket(client)


@pytest.fixture
def landing(
    stage: Stage,
    s3_server: S3Server,
    s3: Any,
    relay: S3Relay,
    clients: dict[str, Any],
    warehouse: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> TransferTries:
    """A transfer whose AWS connection leads through the relay."""
    relay.faults.clear()
    relay.ignores_conditions = None
    variable = "AIRFLOW_CONN_AWS_DEFAULT"
    connect = S3Hook.get_conn

    def known_client(hook: S3Hook) -> Any:
        connection = os.environ[variable]
        if connection not in clients:
            clients[connection] = connect(hook)
        return clients[connection]

    def connect_aws(endpoint_url: str = relay.endpoint_url, secret: str = s3_server.secret_key) -> None:
        connection = json.loads(aws_connection(s3_server))
        connection["password"] = secret
        connection["extra"]["endpoint_url"] = endpoint_url
        monkeypatch.setenv(variable, json.dumps(connection))

    def make_table(key: str) -> IcebergTable:
        return IcebergTable(stage, warehouse, monkeypatch.setenv, key)

    monkeypatch.setattr(S3Hook, "get_conn", known_client)
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.commit._RETRIES", Retries(attempts=3))
    connect_aws()
    credentials = Credentials(s3_server.access_key, s3_server.secret_key)
    return TransferTries(stage, relay, s3, connect_aws, credentials, make_table)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is not there is not looked for again: five minutes of it are the trigger's own test."""
    monkeypatch.setattr("airflow_provider_ekyc.triggers.ekyc.CONNECTION_TIMEOUT", 0.0)


@pytest.fixture(autouse=True)
def _not_found_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new id has two seconds to become known: the ten minutes are a test of the polling policy."""
    monkeypatch.setattr("airflow_provider_ekyc.polling.poller.NOT_FOUND_SECONDS", 2.0)
