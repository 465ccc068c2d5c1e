"""``airflow db clean`` keeps the records of submissions, and removes a wait that is older than what it keeps."""

from __future__ import annotations

from pathlib import Path

from dev.deployment.db_clean import RECORDS, clean


def test_a_clean_up_keeps_variables_and_removes_a_wait_with_its_trigger(tmp_path: Path) -> None:
    left = clean(tmp_path / "home", days=30)
    assert left["runs"] == ["running 10 days", "success 10 days"]
    assert (left["waits"], left["triggers"]) == (["running 10 days"], ["2"])
    assert len(left["variables"]) == len(RECORDS)
