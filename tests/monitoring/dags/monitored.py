"""A whole verification, and one that fails: what an Airflow with metrics, traces and mail makes of them."""

from __future__ import annotations

import os

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG

from airflow_provider_ekyc.notifications.ekyc import EkycNotifier
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

NUMBERS = os.environ["EKYC_TEST_NUMBERS"]


def by_mail(to):
    """Send a message by mail."""

    def send(message):
        return SmtpNotifier(to=to, subject=message.subject, html_content=message.html)

    return EkycNotifier(send=send)


with DAG("ekyc_monitored", schedule=None):
    submit = EkycSubmitOperator(task_id="submit", numbers=NUMBERS)
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket=os.environ["EKYC_TEST_BUCKET"],
        s3_key="monitored/{{ run_id }}.zip",
    )
    wait >> land

with DAG("ekyc_notified", schedule=None, on_failure_callback=by_mail("dag@example.com")):
    EkycSubmitOperator(
        task_id="submit",
        numbers=NUMBERS,
        ekyc_conn_id="ekyc_unclear",
        on_failure_callback=by_mail("task@example.com"),
    )
