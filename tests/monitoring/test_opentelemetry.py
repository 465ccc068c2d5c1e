"""Metrics over OpenTelemetry: what a collector receives from a task's process and from the triggerer's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from dev.testing.otlp_receiver import OtlpReceiver

SCRIPT = """
import sys
from importlib import import_module
from airflow_provider_ekyc import metrics
from airflow_provider_ekyc.exceptions import EkycApiError

package, in_triggerer = sys.argv[1], sys.argv[1] == "airflow.observability"
factory = import_module(f"{package}.metrics.stats_utils").get_stats_factory()
import_module(f"{package}.stats").Stats.initialize(factory=factory, export_legacy_names=True)
metrics.count_query(EkycApiError("made up", status=200), "a.b", waited=1.5, in_triggerer=in_triggerer)
metrics._later().submit(int).result()  # a triggerer does not end right after its first metric
"""


def value_of(metric: Any) -> tuple[dict[str, str], float]:
    """Return tags and value of a metric with one point."""
    kind = metric.WhichOneof("data")
    (point,) = getattr(metric, kind).data_points
    tags = {entry.key: entry.value.string_value for entry in point.attributes}
    return tags, point.sum if kind == "exponential_histogram" else point.as_int or point.as_double


@pytest.mark.parametrize("package", ["airflow.sdk.observability", "airflow.observability"])
def test_the_task_type_is_a_tag_and_no_part_of_the_name(package: str) -> None:
    with OtlpReceiver() as collector:
        env = {
            **os.environ,
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector.url}/v1/metrics",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        subprocess.run([sys.executable, "-c", SCRIPT, package], env=env, check=True, timeout=120)
        received = {name: value_of(found[-1]) for name, found in collector.metrics.items() if ".ekyc." in name}
    tags = {"task_type": "a.b"}
    assert received == {
        "airflow.ekyc.queries": (tags, 1),
        "airflow.ekyc.query_failures": (tags, 1),
        "airflow.ekyc.charged_calls": (tags, 1),
        "airflow.ekyc.wait_seconds": (tags, 1500.0),
    }
