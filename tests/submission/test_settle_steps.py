"""A person who copies the lines of the log settles the submission with them (``submission/settle_steps.py``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.log_lines import WIDTH
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.record_format import read_record
from airflow_provider_ekyc.submission.settle_steps import settle_steps
from airflow_provider_ekyc.ways_out import PAGE_WAY_OUT
from dev.testing.variables import Variables
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "no_waits")


def unknown_outcome(
    operator: EkycSubmitOperator, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> list[str]:
    """Run a try that ends with an unknown outcome; return the lines from the way out to the runbook's entry."""
    caplog.clear()
    with pytest.raises(EkycFailException) as caught:
        operator.execute(context)
    assert caught.value.kind == "unknown_outcome"
    lines = [each.message for each in caplog.records if each.name.endswith("airflow_errors")]
    assert all(each.levelname == "ERROR" for each in caplog.records if each.name.endswith("airflow_errors"))
    assert lines[-2:] == ["Runbook:", "docs/runbook.md#unknown_outcome"]
    assert all(len(line) <= WIDTH or " " not in line for line in lines)
    return lines


@pytest.fixture
def operator(numbers_file: Path) -> EkycSubmitOperator:
    return EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))


def test_the_key_of_a_variable_and_the_words_are_alone_on_their_lines(
    operator: EkycSubmitOperator,
    sandbox: Sandbox,
    variables: Variables,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.fault("submit", "cut_after")
    lines = unknown_outcome(operator, context, caplog)
    (key,) = variables.records()
    assert lines[:7] == [
        PAGE_WAY_OUT,
        "Look for the remote task in the vendor's console.",
        "If it is there, write its id, and nothing else, into this Airflow Variable (Admin, Variables):",
        key,
        "If it is not there, write these words into the same record. It may be charged twice:",
        "send again",
        "Then clear this task. Do not delete the record.",
    ]
    assert "Found: write its id" not in " ".join(lines), "the steps say it"
    assert "The submission of 200 numbers may or may not have been accepted" in " ".join(lines)

    # The first solution: what was read in the console, pasted into the Variable.
    ekyc_task_id = submitted(sandbox)
    variables.set(lines[3], ekyc_task_id)
    assert operator.execute(context) == ekyc_task_id


def test_without_the_page_it_is_not_named(
    operator: EkycSubmitOperator,
    sandbox: Sandbox,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__PAGE", "False")
    sandbox.fault("submit", "cut_after")
    assert unknown_outcome(operator, context, caplog)[0] == "Look for the remote task in the vendor's console."


def test_the_words_send_it_again(
    operator: EkycSubmitOperator,
    sandbox: Sandbox,
    variables: Variables,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.fault("submit", "cut_after")
    unknown_outcome(operator, context, caplog)
    lines = unknown_outcome(operator, context, caplog)  # a clear without a settlement says the same
    variables.set(lines[3], lines[lines.index("send again")])
    assert operator.execute(context)


def test_a_record_in_s3_is_named_by_its_address(
    numbers_file: Path,
    sandbox: Sandbox,
    s3: Any,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    operator = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), journal_uri="s3://ekyc-results/journal")
    sandbox.fault("submit", "cut_after")
    lines = unknown_outcome(operator, context, caplog)
    assert lines[2] == "If it is there, write its id, and nothing else, into this object:"
    bucket, _, key = lines[3].removeprefix("s3://").partition("/")
    ekyc_task_id = submitted(sandbox)
    s3.put_object(Bucket=bucket, Key=key, Body=ekyc_task_id.encode())
    assert operator.execute(context) == ekyc_task_id


def test_a_record_in_a_directory(
    numbers_file: Path, sandbox: Sandbox, tmp_path: Path, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    operator = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), journal_uri=str(tmp_path / "journal"))
    sandbox.fault("submit", "cut_after")
    lines = unknown_outcome(operator, context, caplog)
    assert lines[2] == "If it is there, write its id, and nothing else, into this file:"
    ekyc_task_id = submitted(sandbox)
    Path(lines[3]).write_text(ekyc_task_id)
    assert operator.execute(context) == ekyc_task_id


def test_the_task_state_store_takes_json() -> None:
    steps = settle_steps("ekyc-intent-abc in this task's Task State Store", ("d4g8o46p2jvh04o9uolg",))
    assert steps[1:3] == (
        "If it is there, write its id, in double quotes, into this key of this task's Task State Store:",
        "ekyc-intent-abc",
    )
    assert '"send again"' in steps
    assert "d4g8o46p2jvh04o9uolg" in steps
    assert read_record(b'"send again"', "a record") is read_record(b"send again", "a record")


@pytest.mark.parametrize(
    "address",
    ["Airflow Variable ekyc_submission_x", "s3://bucket/key", "/shared/key", "k in this task's Task State Store"],
)
def test_each_step_fits_into_a_line(address: str) -> None:
    assert all(len(step) <= WIDTH for step in settle_steps(address, ("d1", "d2")))
