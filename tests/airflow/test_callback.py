"""The callback of ``docs/failures.md`` under a real Airflow: on a worker, and after a deferral."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.s3_server import S3Server
from tests.airflow.dags_test import DagsTest
from tests.conftest import API_KEY, BUCKET, aws_connection
from tests.submitted import submitted

pytestmark = pytest.mark.airflow

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
NOTIFY = """import json
import os


def notify(channel, text):
    with open(os.environ["EKYC_TEST_NOTICES"], "a") as file:
        file.write(json.dumps([channel, text]) + "\\n")


"""


def test_a_callback_reads_what_the_error_knew(
    dags_test: DagsTest, s3_server: S3Server, numbers_file: Path, tmp_path: Path
) -> None:
    notices = tmp_path / "notices"
    callback = re.search(r"```python\n(def on_failure.*?)```", PAGE.read_text(), re.DOTALL)
    assert callback
    (tmp_path / "documented_callback.py").write_text(NOTIFY + callback[1])
    with Sandbox(API_KEY, ending="failed") as sandbox:
        ekyc = {"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY}
        env = {
            "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3_server),
            "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(ekyc),
            "AIRFLOW_CONN_EKYC_WRONG_KEY": json.dumps({**ekyc, "password": "another-made-up-key"}),
            "EKYC_TEST_NUMBERS": str(numbers_file),
            "EKYC_TEST_FAILED": submitted(sandbox),
            "EKYC_TEST_BUCKET": BUCKET,
            "EKYC_TEST_NOTICES": str(notices),
            "EKYC_TEST_MODULES": str(tmp_path),
        }
        run = dags_test.run("ekyc_failures", env)
    assert notices.exists(), run.output[-5000:]
    found = {text.partition(":")[0]: (channel, text) for channel, text in map(json.loads, notices.open())}
    assert found["submit"] == ("owner of the eKYC account", "submit: authentication (401)")
    assert found["land"] == ("data team", "land: not_found, charged: possible")
    channel, text = found["wait"]
    assert (channel, text.partition(".")[0]) == ("on-call", "wait: remote_task_failed, charged: possible")
