"""Records in S3: what S3 says of them is not guessed, and a store without conditional writes is refused."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSignInError
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.s3_store import S3Store
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept, refuse
from tests.conftest import BUCKET
from tests.submission.submit_job import Job

pytestmark = pytest.mark.usefixtures("connections")


@pytest.fixture(params=["IfNoneMatch IfMatch", "IfNoneMatch", "IfMatch"])
def without_conditions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the S3 client leave out conditions of a write, as some S3-compatible stores ignore them."""
    ignored = request.param.split()
    call = S3Object.call

    def call_without(self: S3Object, operation: str, **arguments: Any) -> dict[str, Any]:
        return call(self, operation, **{name: value for name, value in arguments.items() if name not in ignored})

    monkeypatch.setattr(S3Object, "call", call_without)


def at_once(jobs: list[Job]) -> list[str | Exception]:
    """Submit all of them at once; return remote ids and errors."""

    def attempt(job: Job) -> str | Exception:
        try:
            return job.submit()
        except (AirflowFailException, EkycRetryException) as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(attempt, jobs))


@pytest.fixture
def jobs(numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any) -> list[Job]:
    """Two map indexes with one list; both query the balance before either submits."""
    sandbox.fault("balance", "delay", seconds=1.0, times=None)
    found = [Job("s3", numbers_file, tmp_path) for _ in range(2)]
    for index, job in enumerate(found):
        job.map_index = index
    return found


@pytest.mark.usefixtures("without_conditions")
def test_a_store_that_ignores_conditions_is_refused(jobs: list[Job], sandbox: Sandbox) -> None:
    assert any("ignores If-" in str(end) for end in at_once(jobs))
    assert sandbox.calls["submit"] == 0


def test_two_at_once_over_s3_submit_once(jobs: list[Job], sandbox: Sandbox) -> None:
    assert sorted(type(end).__name__ for end in at_once(jobs)) == ["EkycRetryException", "str"]
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    ("connection", "advice"),
    [
        ({}, "Check the bucket: there is none of this name"),
        ({"password": "a-wrong-made-up-secret"}, "Correct the secret access key"),
        ({"extra": {"region_name": "no such region !"}}, "Correct region_name"),
    ],
)
def test_a_journal_in_s3_that_cannot_be_used_stops_the_submission_and_says_what_to_correct(
    connection: dict[str, Any],
    advice: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    s3: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = {**json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"]), **connection}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    job = Job("s3", numbers_file, tmp_path)
    with pytest.raises(AirflowFailException, match=advice):
        job.submit(journal_uri="s3://there-is-no-such-bucket/journal")
    assert sandbox.calls["submit"] == 0


def store(monkeypatch: pytest.MonkeyPatch, server: S3Server, **extra: Any) -> S3Store:
    connection = {
        "conn_type": "aws",
        "login": server.access_key,
        "password": server.secret_key,
        "extra": {"endpoint_url": server.endpoint_url, "region_name": "us-east-1", **extra},
    }
    monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", json.dumps(connection))
    return S3Store(BUCKET, "journal/made-up", "made_up")


@pytest.mark.parametrize(
    ("extra", "word"), [({"config_kwargs": {"made_up": 1}}, "TypeError"), ({"endpoint_url": "nowhere"}, "ValueError")]
)
def test_a_connection_that_cannot_be_used_is_named_as_it_is_to_the_transfer(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, extra: dict[str, Any], word: str
) -> None:
    with pytest.raises(EkycSignInError, match=rf"AWS connection 'made_up' \({word}\). Nothing was sent"):
        store(monkeypatch, s3_server, **extra).read("submission")


def test_what_is_written_is_read_and_what_is_not_there_is_none(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    assert records.read("submission") is None
    assert records.write("submission", b"{}", replacing=None)
    assert not store(monkeypatch, s3_server).write("submission", b"[]", replacing=None)
    assert store(monkeypatch, s3_server).read("submission") == b"{}"
    assert records.names("sub") == ["submission"]


@pytest.mark.parametrize(
    ("status", "code"), [(404, ""), (404, "NoSuchBucket"), (404, "404"), (403, "AccessDenied"), (500, "InternalError")]
)
def test_only_s3s_own_word_means_that_there_is_no_record(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any, status: int, code: str
) -> None:
    records = store(monkeypatch, s3_server, config_kwargs={"retries": {"total_max_attempts": 1}})
    refuse(records._client, "GetObject", status, code)
    with pytest.raises(EkycJournalError, match="it is not known whether this list was submitted before"):
        records.read("submission")


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "ListObjectsV2"])
def test_the_page_of_a_proxy_is_no_record_and_no_list(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any, operation: str
) -> None:
    records = store(monkeypatch, s3_server)
    accept(records._client, operation, body=b"<html><p>Sign in</p></html>")
    acts = {
        "GetObject": lambda: records.read("submission"),
        "PutObject": lambda: records.write("submission", b"{}", replacing=None),
        "ListObjectsV2": lambda: records.names("sub"),
    }
    with pytest.raises(EkycJournalError, match=r"\(the answer is not one of S3\)") as caught:
        acts[operation]()
    assert caught.value.retryable
