"""Records in a directory: ``submission/local_store.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from tests.submission.submit_job import IN_FILES, Job

pytestmark = pytest.mark.usefixtures("connections")


@IN_FILES
def test_a_directory_that_the_next_worker_does_not_share_is_never_nothing_there(
    job: Job, tmp_path: Path, sandbox: Sandbox
) -> None:
    job.submit()
    job.folder = tmp_path / "the other worker's directory"
    with pytest.raises(AirflowFailException, match="that record can't be found now"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_FILES
def test_a_directory_that_cannot_be_used_stops_the_submission(job: Job, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "journal").write_text("a file, not a directory")
    with pytest.raises(EkycRetryException, match="can't be used"):
        job.submit()
    assert sandbox.calls["submit"] == 0
