"""What a notification says: ``notifications/message.py``."""

from __future__ import annotations

from dataclasses import replace

import jinja2
import pytest

from airflow_provider_ekyc.notifications.message import MOST_FAILURES, Failure, failure_message
from airflow_provider_ekyc.ways_out import way_out

UNKNOWN = Failure(
    dag_id="daily",
    run_id="manual__1",
    task_id="submit",
    map_index=3,
    try_number=2,
    kind="unknown_outcome",
    status=502,
    charge="possible",
    text="The submission may have been accepted.",
    rows=3000,
    estimated_cost="3.00",
    balance_before="100.00",
    balance_after="97.00",
    log_url="https://airflow.test/dags/daily/runs/manual__1/tasks/submit/mapped/3?try_number=2",
    page_url="https://airflow.test/plugin/ekyc?dag_id=daily&run_id=manual__1",
    runbook="https://runbook.test/#unknown_outcome",
)


def test_it_says_what_failed_what_was_charged_and_what_to_do() -> None:
    message = failure_message([UNKNOWN])
    assert message.subject == "eKYC: submit[3] of daily failed (unknown_outcome); may have been charged"
    assert message.text.splitlines() == [
        message.subject,
        "",
        "Failed: task submit[3] of DAG daily, run manual__1, try 2",
        "Kind: unknown_outcome (HTTP 502)",
        "Charged: The submission may have been charged. Look before you submit these numbers again.",
        "Known: numbers: 3,000, estimated cost: 3.00, balance before: 100.00, balance after: 97.00",
        f"What to do: {way_out('unknown_outcome')}",
        "Details: The submission may have been accepted.",
        f"Log: {UNKNOWN.log_url}",
        f"eKYC page: {UNKNOWN.page_url}",
        "Runbook: https://runbook.test/#unknown_outcome",
    ]
    assert '<a href="https://airflow.test/plugin/ekyc?dag_id=daily&amp;run_id=manual__1">' in message.html
    assert message.failures == (UNKNOWN,)


@pytest.mark.parametrize(
    ("charges", "end"),
    [
        (("none",), "nothing was charged"),
        (("certain",), "already paid for"),
        (("possible",), "may have been charged"),
        (("certain", "none"), "may have been charged"),
        (("none", "none"), "nothing was charged"),
    ],
)
def test_the_subject_says_the_most_that_may_have_been_charged(charges: tuple[str, ...], end: str) -> None:
    failures = [replace(UNKNOWN, charge=charge) for charge in charges]
    assert failure_message(failures).subject.endswith(f"; {end}")


def test_a_failure_that_airflow_retries_says_so() -> None:
    message = failure_message([replace(UNKNOWN, kind="unavailable", charge="none", will_retry=True)])
    assert "Airflow retries the task by itself." in message.text


def test_a_failure_of_unknown_kind_is_not_free() -> None:
    failure = Failure(dag_id="daily", run_id="r", task_id="submit", runbook="runbook#unexpected")
    message = failure_message([failure])
    assert message.subject == "eKYC: submit of daily failed (not known); may have been charged"
    assert "Kind: not known: the task ended without an error of this package" in message.text
    assert f"What to do: {way_out('unexpected')}" in message.text


def test_a_run_of_which_nothing_is_known() -> None:
    failure = Failure(dag_id="daily", run_id="r", task_id="", runbook="runbook#unexpected", text="The run failed.")
    message = failure_message([failure])
    assert message.subject == "eKYC: a run of daily failed; may have been charged"
    assert "Failed: DAG daily, run r" in message.text
    assert "Kind" not in message.text


def test_words_of_others_are_text() -> None:
    hostile = "<script>alert(1)</script> {{ 7 * 7 }} {% raw %} {# x #} a\r\nBcc: b@example.com"
    message = failure_message([replace(UNKNOWN, text=hostile, task_id=hostile)])
    assert "<script>" not in message.html
    assert "\n" not in message.subject
    for text in (message.subject, message.text, message.html):
        assert "\r" not in text
        assert "49" not in jinja2.Template(text).render()


def test_of_many_failures_the_first_are_described() -> None:
    message = failure_message([replace(UNKNOWN, map_index=index) for index in range(MOST_FAILURES + 5)])
    assert message.subject == "eKYC: 25 tasks of daily failed; may have been charged"
    assert message.text.count("Failed: ") == MOST_FAILURES
    assert message.text.endswith("And 5 failed tasks more of this run.")
    assert len(message.failures) == 25
