"""An Airflow and an S3 server for the tests alone. Copy it as it is; ``dags`` is the folder beside this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Before Airflow is imported. The database is a new one, so that no test writes into yours.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-of-tests-")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).parents[1] / "dags")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

BUCKET = "my-bucket"


@pytest.fixture(scope="session", autouse=True)
def airflow_database():
    """Make the tables of the new database."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def s3_server():
    """Return the address of an S3 server."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """Return a client of the S3 server with an empty bucket, to which ``aws_default`` leads during the test."""
    requests.post(f"{s3_server}/moto-api/reset", timeout=10)
    extra = {"endpoint_url": s3_server, "region_name": "us-east-1"}
    connection = {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    client = boto3.client("s3", aws_access_key_id="made-up", aws_secret_access_key="made-up", **extra)
    client.create_bucket(Bucket=BUCKET)
    return client
