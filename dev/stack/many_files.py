"""
The task group with as many files as are wanted: ``python -m dev.stack.many_files --files 500``.

By ``airflow dags test``, against the sandbox and a real S3 server, with the records of submissions in a directory. It
takes seconds per file, so it is no part of the tests, which map a few files under a real scheduler.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_settings import airflow_environment
from dev.stack.s3_server import S3Server

BUCKET = "ekyc-many-files"
KEY = "made-up-key-of-many-files"
#: The fewest that the API accepts.
ROWS = 100

# A test run has no triggerer: a sensor that defers would wait a second for each file.
DAG = f"""
from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_ekyc.task_groups.verify import verify_numbers

with DAG("many_files", schedule=None):
    verify_numbers(
        numbers="s3://{BUCKET}/list.txt",
        destination_uri="s3://{BUCKET}/lists/",
        results_uri="s3://{BUCKET}/results/",
        prepare={{"max_rows": {ROWS}}},
        wait={{"deferrable": False}},
    )
"""


def verify(files: int, home: Path) -> str:
    """
    Run the group over a list of ``files`` times 100 numbers.

    :param home: an empty folder for Airflow
    :return: what was seen
    :raises RuntimeError: if not each file was submitted, paid and landed once
    """
    dags, log = home / "dags", home / "run.log"
    dags.mkdir()
    (dags / "many_files.py").write_text(DAG)
    with Sandbox(KEY) as sandbox, S3Server() as server:
        server.create_bucket(BUCKET)
        client = server.client()
        numbers = "".join(f"+999{number:010d}\n" for number in range(files * ROWS))
        client.put_object(Bucket=BUCKET, Key="list.txt", Body=numbers.encode())
        ekyc = {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": {"result_hosts": sandbox.url}}
        settings = {
            "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(ekyc),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(server.connection()),
            "AIRFLOW__EKYC__JOURNAL_URI": str(home / "journal"),
        }
        environment = airflow_environment(home, dags, 1, settings)
        airflow = [sys.executable, "-m", "airflow"]
        subprocess.run([*airflow, "db", "migrate"], env=environment, check=True, capture_output=True)
        started = time.monotonic()
        with log.open("wb") as output:
            command = [*airflow, "dags", "test", "many_files"]
            code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
        seconds = time.monotonic() - started
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="results/")
        landed = [found["Key"] for page in pages for found in page.get("Contents", [])]
        bill = sandbox.bill
    said = (
        f"exit code {code}; {len(bill.submissions):,} submissions of {sum(c.rows for c in bill.submissions):,} rows, "
        f"{len(bill.charged_twice)} twice; {len(landed):,} results in S3; {seconds:,.0f} s"
    )
    collected = f"Landed {files:,} of {files:,} files: {files * ROWS:,} numbers" in log.read_text(errors="replace")
    if code or not collected or bill.charged_twice or {len(bill.submissions), len(landed)} != {files}:
        raise RuntimeError(f"{said}; the log is {log}")
    return f"{files:,} files: {said}"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    print(verify(parser.parse_args().files, Path(tempfile.mkdtemp(prefix="ekyc-many-files-"))))


if __name__ == "__main__":
    main()
