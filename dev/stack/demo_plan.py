"""What the demo runs against: the sandbox and our own S3 server, or the real ones the user named."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EKYC_CONNECTION = "AIRFLOW_CONN_EKYC_DEFAULT"
AWS_CONNECTION = "AIRFLOW_CONN_AWS_DEFAULT"
NUMBERS = "EKYC_DEMO_NUMBERS"
BUCKET = "EKYC_DEMO_BUCKET"

SANDBOX_ROWS = 3000
SANDBOX_PACE = 400.0
OWN_BUCKET = "ekyc-demo"


class DemoRefusedError(Exception):
    """The demo can't be run as it was asked for; the message says what to do."""


@dataclass(frozen=True)
class DemoPlan:
    """What the demo will do.

    :param real_service: whether the real API is used, which costs money
    :param real_bucket: whether a bucket of the user's is used
    :param numbers: path or URI of the input the user gave; None to make one up
    :param bucket: the bucket
    :param connections: connections the user gave, as environment variables
    """

    real_service: bool
    real_bucket: bool
    numbers: str | None
    bucket: str
    connections: Mapping[str, str]


def read_plan(environment: Mapping[str, str]) -> DemoPlan:
    """Find out from the environment what is wanted.

    :param environment: the environment variables
    :return: the plan
    :raise DemoRefusedError: when something is missing
    """
    given = {name: environment[name] for name in (EKYC_CONNECTION, AWS_CONNECTION) if environment.get(name)}
    real_service, real_bucket = EKYC_CONNECTION in given, AWS_CONNECTION in given
    numbers, bucket = environment.get(NUMBERS) or None, environment.get(BUCKET) or None
    if real_service and numbers is None:
        raise DemoRefusedError(
            f"{EKYC_CONNECTION} is set, so the demo would use that service, and a submission there costs "
            f"money. Name the file to submit with {NUMBERS}=/path/numbers.txt (or an s3:// URI), or unset "
            f"{EKYC_CONNECTION} to use the sandbox."
        )
    if numbers is not None and "://" not in numbers:
        path = Path(numbers).expanduser().resolve()
        if not path.is_file():
            raise DemoRefusedError(f"{NUMBERS}: there is no file {path}")
        numbers = str(path)
    if real_bucket and bucket is None:
        raise DemoRefusedError(
            f"{AWS_CONNECTION} is set, so the result would go to a bucket of yours: name it with "
            f"{BUCKET}=..., or unset {AWS_CONNECTION} to use the demo's own S3 server."
        )
    if not real_bucket and numbers is not None and numbers.startswith("s3://"):
        raise DemoRefusedError(f"{NUMBERS} is in S3: reading it needs {AWS_CONNECTION} (and {BUCKET} for the result).")
    return DemoPlan(real_service, real_bucket, numbers, bucket or OWN_BUCKET, given)


def write_numbers(path: Path, rows: int = SANDBOX_ROWS) -> None:
    """Make up an input file: numbers under +999, a country code that nobody has.

    :param path: the file
    :param rows: how many numbers, all different
    """
    first = 100_000_000 + secrets.randbelow(800_000_000)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"+999{number}\n" for number in range(first, first + rows))
