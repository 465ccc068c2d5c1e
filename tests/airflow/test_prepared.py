"""``airflow dags test``: a submission that is mapped over the files of a preparation, two of them and none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.airflow.dags_test import DagsTest
from tests.conftest import API_KEY

pytestmark = pytest.mark.airflow


@dataclass
class Outcome:
    """What one run left."""

    code: int
    output: str
    folder: Path
    sandbox: Sandbox


@pytest.fixture(scope="module")
def outcome(dags_test: DagsTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Run the DAG once."""
    folder = tmp_path_factory.mktemp("lists")
    numbers = [f"+999{number:010d}" for number in range(200)]
    (folder / "some-ekyc_prepared.txt").write_text("\n".join([*numbers, numbers[7], "5550100555"]))
    (folder / "none-ekyc_prepared.txt").write_text("\n")
    with Sandbox(API_KEY) as sandbox:
        connection = {"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY}
        env = {"AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(connection), "EKYC_TEST_FOLDER": str(folder)}
        done = dags_test.run("ekyc_prepared", env)
        yield Outcome(done.code, done.output, folder, sandbox)


def test_each_file_is_submitted_once(outcome: Outcome) -> None:
    assert outcome.code == 0, outcome.output[-5000:]
    assert [submission.rows for submission in outcome.sandbox.bill.submissions] == [100, 100]


def test_without_a_file_the_mapped_task_is_skipped_and_the_run_succeeds(outcome: Outcome) -> None:
    assert re.search(r"submit_none .* as SKIPPED since the map has 0 values", outcome.output)
    assert "Marking run <DagRun ekyc_prepared" in outcome.output
    assert outcome.output.count("successful") == 1


def test_what_follows_runs_as_its_trigger_rule_says(outcome: Outcome) -> None:
    assert outcome.output.count("AFTER ALL") == 1  # all_success: only where something was submitted
    assert outcome.output.count("AFTER ANY") == 2  # none_failed


def test_a_task_that_is_not_mapped_gets_the_report_of_both(outcome: Outcome) -> None:
    assert sorted(re.findall(r"REPORTED (\d+) (\d+)", outcome.output)) == [("0", "0"), ("200", "2")]


def test_no_number_is_in_the_output_or_in_a_file_name(outcome: Outcome) -> None:
    names = [path.name for path in outcome.folder.rglob("*")]
    for text in (outcome.output, *names):
        assert "9990000" not in text
        assert "5550100" not in text
    assert "5550100555" in (outcome.folder / "some-rejects.csv").read_text()
