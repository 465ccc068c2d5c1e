"""
The task group with as many files as are wanted: ``python -m dev.stack.many_files --files 500``.

``ekyc_verify_group``, as it stands, by ``airflow dags test``, against the sandbox and a real S3 server. It takes about
a second per file and more, so it is no part of the tests, which map a few files under a real scheduler.
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

EXAMPLES = Path(__file__).parents[2] / "example_dags"
BUCKET = "ekyc-results"
KEY = "made-up-key-of-many-files"
#: The fewest that the API accepts.
ROWS = 100


def verify(files: int, home: Path) -> str:
    """
    Run the group over a list of ``files`` times 100 numbers.

    :param home: a folder for Airflow
    :return: what was seen
    :raises RuntimeError: if not each file was submitted, paid and landed once
    """
    with Sandbox(KEY) as sandbox, S3Server() as server:
        server.create_bucket(BUCKET)
        client = server.client()
        numbers = "".join(f"+999{number:010d}\n" for number in range(files * ROWS))
        client.put_object(Bucket=BUCKET, Key="numbers/group.txt", Body=numbers.encode())
        ekyc = {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": {"result_hosts": sandbox.url}}
        connections = {
            "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(ekyc),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(server.connection()),
            # As is recommended for production: each submission reads the receipts of all that were before it.
            "AIRFLOW__EKYC__JOURNAL_URI": f"s3://{BUCKET}/journal",
        }
        environment = airflow_environment(home, EXAMPLES, 1, connections)
        airflow = [sys.executable, "-m", "airflow"]
        subprocess.run([*airflow, "db", "migrate"], env=environment, check=True, capture_output=True)
        started = time.monotonic()
        command = [*airflow, "dags", "test", "ekyc_verify_group", "--conf", json.dumps({"max_rows": ROWS})]
        log = home / "run.log"
        with log.open("wb") as output:
            code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
        seconds = time.monotonic() - started
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="group/results/")
        landed = [found["Key"] for page in pages for found in page.get("Contents", [])]
        bill = sandbox.bill
    said = (
        f"exit code {code}; {len(bill.submissions):,} submissions of {sum(c.rows for c in bill.submissions):,} rows, "
        f"{len(bill.charged_twice)} twice; {len(landed):,} results in S3; {seconds:,.0f} s"
    )
    reported = f"of {files * ROWS} numbers have an account" in log.read_text(errors="replace")
    if code or not reported or bill.charged_twice or {len(bill.submissions), len(landed)} != {files}:
        raise RuntimeError(f"{said}; the log is {log}")
    return f"{files:,} files: {said}"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    print(verify(parser.parse_args().files, Path(tempfile.mkdtemp(prefix="ekyc-many-files-"))))


if __name__ == "__main__":
    main()
