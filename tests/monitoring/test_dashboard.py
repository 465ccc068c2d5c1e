"""The dashboard and the mapping of ``docs/grafana``, against what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_ekyc.metrics import COUNTERS, TIMINGS
from dev.testing.statsd_receiver import Metric
from tests.monitoring.exporter import Series, exported

DOCS = Path(__file__).parents[2] / "docs"
DASHBOARD = json.loads((DOCS / "grafana" / "ekyc_dashboard.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
#: What Prometheus adds to the name of a histogram.
PARTS = ("_bucket", "_sum", "_count")

TAGGED = (("task_type", "amazon"),)


def series_of(name: str, kind: str) -> Series | None:
    plain = exported(Metric(f"airflow.ekyc.{name}.amazon", 1.0, kind))
    assert plain == exported(Metric(f"airflow.ekyc.{name}", 1.0, kind, TAGGED))
    return plain


@pytest.mark.parametrize("name", COUNTERS)
def test_a_counter_is_the_same_series_with_tags_and_without(name: str) -> None:
    assert series_of(name, "c") == Series(f"airflow_ekyc_{name}_total", TAGGED)


@pytest.mark.parametrize("name", TIMINGS)
def test_so_is_a_timing(name: str) -> None:
    assert series_of(name, "ms") == Series(f"airflow_ekyc_{name}", TAGGED)


def test_other_metrics_of_airflow_are_left_alone() -> None:
    assert exported(Metric("airflow.ti_successes", 1.0, "c")) is None


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {name for expression in EXPRESSIONS for name in re.findall(r"airflow_ekyc_\w+", expression)}
    known = {f"airflow_ekyc_{name}_total" for name in COUNTERS} | {f"airflow_ekyc_{name}_bucket" for name in TIMINGS}
    assert shown == known


def test_each_expression_is_of_the_task_types_that_are_chosen() -> None:
    for expression in EXPRESSIONS:
        assert len(re.findall(r"airflow_ekyc_\w+", expression)) == expression.count('{task_type=~"$task_type"}')
        assert expression.count("(") == expression.count(")")


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


@pytest.mark.parametrize("name", [*COUNTERS, *TIMINGS])
def test_the_page_names_every_metric(name: str) -> None:
    assert f"`ekyc.{name}`" in (DOCS / "monitoring.md").read_text()
