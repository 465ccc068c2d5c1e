"""One real Airflow for the tests of this folder, with all that the example DAGs need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.postgres_server import PostgresServer
from dev.stack.s3_server import S3Server
from tests.airflow.dags_test import DagsTest
from tests.airflow.example_runs import QUEUED, UNCLEAR_CONNECTION
from tests.conftest import API_KEY, BUCKET, aws_connection, empty_bucket

EXAMPLES = Path(__file__).parents[2] / "example_dags"


@pytest.fixture(scope="session")
def dags_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsTest]:
    """A process in which ``airflow dags test`` is called."""
    with DagsTest(tmp_path_factory.mktemp("dags-test-home")) as running:
        yield running


@pytest.fixture(scope="module")
def paced_sandbox() -> Iterator[Sandbox]:
    """The API at a pace at which a task is queued, then worked on, then exported, also for a triggerer that is slow."""
    with Sandbox(API_KEY, pace=12.0, queue_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def unclear_sandbox() -> Iterator[Sandbox]:
    """Another account: its first submission is accepted, and charged, and then the line is cut."""
    with Sandbox(API_KEY, pace=400.0, queue_seconds=QUEUED) as running:
        running.fault("submit", "cut_after")
        yield running


@pytest.fixture(scope="module")
def connection_env(
    paced_sandbox: Sandbox, unclear_sandbox: Sandbox, s3_server: S3Server, postgres: PostgresServer
) -> dict[str, str]:
    """All connections, as environment variables."""
    return {
        "AIRFLOW_CONN_EKYC_DEFAULT": ekyc_connection(paced_sandbox),
        f"AIRFLOW_CONN_{UNCLEAR_CONNECTION.upper()}": ekyc_connection(unclear_sandbox),
        "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3_server),
        "AIRFLOW_CONN_POSTGRES_DEFAULT": json.dumps(postgres.connection()),
    }


def ekyc_connection(sandbox: Sandbox) -> str:
    extra = {"result_hosts": sandbox.url}
    return json.dumps({"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY, "extra": extra})


@pytest.fixture(scope="module")
def results(s3_server: S3Server) -> Any:
    """A client of the S3 server, its bucket empty."""
    client = s3_server.client()
    empty_bucket(client)
    return client


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, connection_env: dict[str, str]) -> Iterator[AirflowStack]:
    """
    A running Airflow with the example DAGs; it logs all that it can, so that a leak shows.

    Tasks have retries: a scheduler that is slow fails one that its trigger has resumed soon (apache/airflow#72716), on
    a busy machine four times in a row.
    """
    home = tmp_path_factory.mktemp("airflow-home")
    env = {
        **connection_env,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "10",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
    }
    with PostgresServer.for_airflow(home / "postgres.log") as database:
        env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database.airflow_url
        with AirflowStack(home, EXAMPLES, env, import_once=True) as stack:
            yield stack


@pytest.fixture(scope="module")
def rest(airflow: AirflowStack) -> AirflowRest:
    """A client of its REST API."""
    return AirflowRest(airflow.url, *airflow.login)


__all__ = ["BUCKET"]
