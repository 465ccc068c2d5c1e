"""Metrics, spans and mails of real runs: from the worker, the triggerer and the dag-processor."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_ekyc.ways_out import way_out
from tests.conftest import API_KEY
from tests.monitoring.conftest import MONITORED, NOTIFIED, ROWS, Seen
from tests.monitoring.exporter import exported

pytestmark = pytest.mark.airflow

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "ekyc_dashboard.json"


def sums(seen: Seen) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in seen.metrics:
        name = metric.name.removeprefix("airflow.ekyc.")
        found[name] = found.get(name, 0.0) + metric.value
    return found


def test_the_metrics_are_what_the_bill_and_the_object_say(seen: Seen) -> None:
    found = sums(seen)
    waited = found.pop("wait_seconds.amazon")
    assert found == {
        "submissions.amazon": 1,
        "rows.amazon": ROWS,
        "cost.amazon": pytest.approx(0.2),
        # Both submissions, one of which may have been charged, and each answered query.
        "charged_calls.amazon": 2 + seen.polls,
        "unknown_outcomes.amazon": 1,
        "queries.amazon": seen.polls,
        "bytes_landed.amazon": seen.size,
    }
    assert 5_000 <= waited <= 120_000  # milliseconds, as StatsD has timings; 200 numbers at 40 a second


def test_the_spans_are_children_of_airflows_own(seen: Seen) -> None:
    ours = [span for span in seen.spans if span.name.startswith("ekyc.")]
    names = {span.span_id: span.name for span in seen.spans}
    parents = {(span.name, names.get(span.parent_id, "")) for span in ours}
    inner = {("ekyc.send", "ekyc.submit"), ("ekyc.download", "ekyc.land"), ("ekyc.upload", "ekyc.land")}
    assert inner | {("ekyc.query", "ekyc.land")} <= parents
    assert {name for name, _ in parents} == {
        f"ekyc.{step}" for step in ("submit", "send", "query", "land", "download", "upload")
    }
    outer = {(name, parent) for name, parent in parents if not parent.startswith("ekyc.")}
    assert {name for name, _ in outer} == {"ekyc.submit", "ekyc.land", "ekyc.query"}
    assert all(parent for _, parent in outer), outer
    # The trigger's queries are in the trace of the run, too.
    assert len({span.trace_id for span in ours}) == 2  # of two runs


def test_the_spans_hold_ids_and_counts_alone(seen: Seen) -> None:
    ours = [span for span in seen.spans if span.name.startswith("ekyc.")]
    (land,) = (span for span in ours if span.name == "ekyc.land")
    assert land.attributes == {
        "ekyc.ekyc_task_id": seen.ids["submit"],
        "ekyc.task_type": "amazon",
        "ekyc.output_format": "zip",
        "ekyc.rows": ROWS,
        "ekyc.bytes": seen.size,
    }
    failed = {span.name: span.attributes["error.type"] for span in ours if span.failed}
    assert failed == {"ekyc.send": "unavailable", "ekyc.submit": "unknown_outcome"}
    everything = "".join(span.text for span in ours)
    assert all(secret not in everything for secret in ("+999", "X-Amz", "http", API_KEY))


@pytest.mark.parametrize("to", ["task@example.com", "dag@example.com"])
def test_one_mail_says_what_failed_what_was_charged_and_what_to_do(seen: Seen, to: str) -> None:
    (mail,) = (mail for mail in seen.mails if mail["to"] == to)
    assert mail["subject"] == f"eKYC: submit of {NOTIFIED} failed (unknown_outcome); may have been charged"
    html = mail.get_body(("html",))
    assert html is not None
    text = html.get_content()
    shown = re.sub(r"<[^>]*>", " ", text)
    assert way_out("unknown_outcome").replace("'", "&#x27;") in shown
    assert "The submission may have been charged." in shown
    assert "#unknown_outcome" in shown
    run = seen.runs[NOTIFIED].replace(":", "%3A").replace("+", "%2B")
    assert f'href="{seen.url}/dags/{NOTIFIED}/runs/{run}/tasks/submit' in text
    assert f'href="{seen.url}/plugin/ekyc?dag_id={NOTIFIED}&amp;run_id={run}&amp;task_id=submit' in text
    assert "+999" not in text
    assert API_KEY not in text


def test_only_the_run_that_failed_sent_mails(seen: Seen) -> None:
    assert len(seen.mails) == 2
    assert not any(MONITORED in mail["subject"] for mail in seen.mails)


def test_the_dashboard_shows_all_that_is_sent(seen: Seen) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    series = [exported(metric) for metric in seen.metrics]
    assert series
    assert None not in series
    assert all(each.name in expressions for each in series if each)
