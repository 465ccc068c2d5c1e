"""What names a submission, and what a record does not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.variables import Variables
from tests.conftest import BUCKET
from tests.submission.submit_job import Job

pytestmark = pytest.mark.usefixtures("connections")


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("http://api.example", "https://api.example"),
        ("https://api.example", "https://API.example."),
        ("https://api.example", "https://api.example:443/v1/"),
    ],
)
def test_one_api_under_two_spellings_is_one_scope(
    host: str, other: str, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = set()
    for each in (host, other):
        monkeypatch.setenv(
            "AIRFLOW_CONN_EKYC_DEFAULT", json.dumps({"conn_type": "ekyc", "host": each, "password": "made-up-key"})
        )
        scopes.add(EkycHook().settings.scope_url)
    assert len(scopes) == 1


def test_the_same_numbers_in_another_order_are_the_same_submission(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    job.numbers.write_text("".join(reversed(job.numbers.read_text().splitlines(keepends=True))))
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


def test_another_task_type_is_another_submission(job: Job, sandbox: Sandbox) -> None:
    assert job.submit() != job.submit(task_type="ws")


def test_a_rotated_key_finds_what_was_paid(job: Job, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    first = job.submit()
    connect(sandbox, password="a-new-made-up-key")
    assert job.submit() == first


def test_a_changed_file_is_submitted_anew_and_the_old_one_is_found_again(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    before = job.numbers.read_text()
    job.numbers.write_text(before + "+9991234567890\n")
    second = job.submit()
    job.numbers.write_text(before)
    assert job.submit() == first != second
    assert len(sandbox.bill.submissions) == 2


def test_no_number_and_no_key_is_recorded(
    job: Job, sandbox: Sandbox, s3: Any, numbers: list[str], variables: Variables
) -> None:
    job.submit()
    kept = json.dumps([variables.values, variables.descriptions])
    if job.kind == "local":
        files = [path for path in job.folder.rglob("*") if path.is_file()]
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
        kept += "".join(path.read_text() for path in files)
    elif job.kind == "s3":
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="journal/")["Contents"]
        kept += "".join(s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read().decode() for o in found)
    assert "ekyc_task_id" in kept
    assert sandbox.api_key not in kept
    assert not any(number[1:] in kept for number in numbers)
