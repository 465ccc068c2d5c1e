"""What the tests of a submission share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.submission.submit_job import Job


@pytest.fixture(params=["variables", "local", "s3"])
def job(request: pytest.FixtureRequest, numbers_file: Path, tmp_path: Path) -> Job:
    """A submit task whose submissions are recorded in one of the three stores."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    return Job(request.param, numbers_file, tmp_path / "journal")
