"""One Airflow that sends metrics, traces and mail to servers of this machine, and what they received."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.postgres_server import PostgresServer
from dev.stack.s3_server import S3Server
from dev.testing.otlp_receiver import OtlpReceiver, ReceivedSpan
from dev.testing.smtp_server import SmtpServer
from dev.testing.statsd_receiver import Metric, StatsdReceiver
from dev.testing.waiting import wait_until
from tests.conftest import API_KEY, BUCKET, aws_connection

DAGS = Path(__file__).parent / "dags"
MONITORED, NOTIFIED = "ekyc_monitored", "ekyc_notified"
ROWS = 200


@dataclass(frozen=True)
class Seen:
    """
    What was received.

    :param polls: status queries that the sandbox answered for the whole verification
    :param size: bytes of the landed object
    :param ids: task id -> return value, of the whole verification
    :param runs: DAG id -> run id
    :param url: of Airflow's UI
    """

    metrics: list[Metric]
    spans: list[ReceivedSpan]
    mails: list[EmailMessage]
    polls: int
    size: int
    ids: dict[str, Any]
    runs: dict[str, str]
    url: str


@pytest.fixture(scope="module")
def seen(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Run both DAGs, and wait until all has arrived."""
    folder = tmp_path_factory.mktemp("monitoring")
    numbers = folder / "numbers.txt"
    numbers.write_text("".join(f"+999{number:010d}\n" for number in range(ROWS)))
    with (
        StatsdReceiver() as statsd,
        OtlpReceiver() as otlp,
        SmtpServer() as mail,
        # Exported later than a turn of a busy scheduler's loop takes (apache/airflow#72716).
        Sandbox(API_KEY, pace=12.0) as sandbox,
        Sandbox(API_KEY) as unclear,
        PostgresServer.for_airflow(folder / "postgres.log") as database,
    ):
        unclear.fault("submit", "cut_after")
        env = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.airflow_url,
            "AIRFLOW_CONN_EKYC_DEFAULT": ekyc_connection(sandbox, prices={"amazon": 0.001}),
            "AIRFLOW_CONN_EKYC_UNCLEAR": ekyc_connection(unclear),
            "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3_server),
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(mail.connection()),
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd.port),
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{otlp.url}/v1/traces",
            "EKYC_TEST_NUMBERS": str(numbers),
            "EKYC_TEST_BUCKET": BUCKET,
        }
        with AirflowStack(folder / "home", DAGS, env, import_once=True) as stack:
            rest = AirflowRest(stack.url, *stack.login)
            runs = {}
            for dag_id in (MONITORED, NOTIFIED):
                rest.wait_for_dag(dag_id)
                rest.unpause(dag_id)
                runs[dag_id] = rest.trigger(dag_id)
            states = {dag_id: rest.wait_for_run(dag_id, run_id)["state"] for dag_id, run_id in runs.items()}
            assert states == {MONITORED: "success", NOTIFIED: "failed"}
            result = rest.xcom(MONITORED, runs[MONITORED], "land", "result")
            ids = {task: rest.xcom(MONITORED, runs[MONITORED], task, "return_value") for task in ("submit", "land")}
            # The callback of the DAG runs in the dag-processor, when the run has ended.
            assert wait_until(lambda: len(mail.mails) >= 2), mail.mails
            assert wait_until(lambda: sum(span.name == "ekyc.query" for span in otlp.spans) >= sandbox.bill.polls)
            url = stack.url
        return Seen(
            metrics=statsd.metrics("airflow.ekyc."),
            spans=otlp.spans,
            mails=mail.mails,
            polls=sandbox.bill.polls,
            size=result["size"],
            ids=ids,
            runs=runs,
            url=url,
        )


def ekyc_connection(sandbox: Sandbox, **extra: Any) -> str:
    extra.setdefault("result_hosts", sandbox.url)
    return json.dumps({"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY, "extra": extra})
