"""The DAG ``customers``, run as it is: its triggers and tasks run in this process, without a scheduler."""

from __future__ import annotations

import csv
import io

import pytest
from customers import dag

from airflow_provider_ekyc.sandbox import expected_answer

BUCKET = "my-bucket"
# +999 is the code of no country. The API accepts 100 numbers or more, and so does the sandbox.
NUMBERS = [f"+999{index:08d}" for index in range(100)]


@pytest.fixture
def export(s3):
    """Write the file that the DAG reads."""
    s3.put_object(Bucket=BUCKET, Key="customers.csv", Body="\n".join(["phone", *NUMBERS]).encode())


def landed(s3):
    """Return the keys of the results."""
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix="results/").get("Contents", [])]


def test_each_customer_has_the_answer_of_the_api(ekyc_sandbox, s3, export):
    run = dag.test()

    assert run.state == "success"
    (key,) = landed(s3)
    rows = csv.DictReader(io.StringIO(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()))
    assert {row["Number"]: row["amazon"] for row in rows} == {number: expected_answer(number) for number in NUMBERS}
    (submission,) = ekyc_sandbox.bill.submissions
    assert submission.rows == 100


def test_a_lost_answer_stops_the_run_and_nothing_is_sent_again(ekyc_sandbox, s3, export):
    ekyc_sandbox.fault("submit", "cut_after")  # accepted and charged, and the connection ends without an answer

    run = dag.test()

    assert run.state == "failed"
    assert landed(s3) == []
    assert ekyc_sandbox.calls["submit"] == 1
    assert ekyc_sandbox.bill.charged_twice == ()
