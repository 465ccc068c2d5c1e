"""
The ways to move a result to S3 that are compared: ours, the amazon provider's, and two that show what is possible.

Each function is one whole move. All imports are inside, so that the child that runs it decides when they happen;
connections come from the environment (``dev.benchmarks.move_rounds.child_environment``).
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Any

from dev.testing.task_context import TaskInstance, context_of


@dataclass(frozen=True, slots=True)
class Job:
    """
    What to move.

    :param ekyc_task_id: the remote task
    :param rows: numbers in it
    :param endpoint: path and query of its result at the source
    :param bucket: where to
    :param key: where to
    :param zip_path: the archive itself, for what runs from file to file
    :param zip_size: bytes of it
    :param numbers_path: its numbers alone, as they were sent
    :param numbers_sha256: hex digest of that list, or None
    :param spool_dir: for what needs a file in between
    """

    ekyc_task_id: str
    rows: int
    endpoint: str
    bucket: str
    key: str
    zip_path: str
    zip_size: int
    numbers_path: str
    numbers_sha256: str | None
    spool_dir: str


def land(job: Job, **arguments: Any) -> dict[str, Any]:
    """
    Run ``EkycResultsToS3Operator`` as it is.

    :param arguments: further ones of the operator
    :return: its XCom ``result``
    """
    from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

    ti = TaskInstance()
    EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=job.ekyc_task_id,
        s3_bucket=job.bucket,
        s3_key=job.key,
        spool_dir=job.spool_dir,
        **arguments,
    ).execute(context_of(ti))
    return dict(ti.xcoms["result"])


def checked(job: Job) -> None:
    """Ours: status query, download, check of every row, landing."""
    result = land(job, output_format="zip")
    if result["rows"] != job.rows:
        raise ValueError(f"{result['rows']:,} rows instead of {job.rows:,}")


def http_to_s3(job: Job) -> None:
    """The amazon provider's operator, which holds the whole result in memory and checks nothing."""
    from airflow.providers.amazon.aws.transfers.http_to_s3 import HttpToS3Operator

    HttpToS3Operator(
        task_id="land", http_conn_id="bench_source", endpoint=job.endpoint, s3_bucket=job.bucket, s3_key=job.key
    ).execute(context_of())


def stream(job: Job) -> None:
    """``requests`` as a stream into boto3's managed upload; nothing is checked, not even the length."""
    import requests
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    with requests.get(os.environ["BENCH_SOURCE"] + job.endpoint, stream=True, timeout=60) as response:
        response.raise_for_status()
        S3Hook().get_conn().upload_fileobj(response.raw, job.bucket, job.key)


def curl(job: Job) -> None:
    """``curl | curl``: two processes of C that do nothing but move bytes."""
    command = ["curl", "--silent", "--show-error", "--fail", "--cacert", os.environ["AWS_CA_BUNDLE"]]
    with subprocess.Popen([*command, os.environ["BENCH_SOURCE"] + job.endpoint], stdout=subprocess.PIPE) as source:
        subprocess.run(
            [*command, "--upload-file", "-", f"{os.environ['BENCH_SINK']}/{job.bucket}/{job.key}"],
            stdin=source.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    if source.returncode:
        raise ChildProcessError(f"curl could not read the source: exit code {source.returncode}")
