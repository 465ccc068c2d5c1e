"""Metrics and spans under one version: what servers of this machine receive from it."""

from __future__ import annotations

from pathlib import Path

from dev.stack.airflow_dag_test import DagTest
from dev.stack.compat.versions import CompatError, Version
from dev.testing.otlp_receiver import OtlpReceiver
from dev.testing.statsd_receiver import StatsdReceiver
from dev.testing.waiting import wait_until

#: What ``inside.py`` sends: one failed query of a task, and one of a trigger that ends a wait of 1.5 s.
EXPECTED = {"queries.amazon": 2.0, "query_failures.amazon": 2.0, "wait_seconds.amazon": 1500.0}
PREFIX = "airflow.ekyc."
#: Seconds until all has arrived; what it takes is some milliseconds.
ARRIVAL = 20.0


def check_telemetry(version: Version, dags_folder: Path) -> None:
    """Send metrics to a StatsD server and spans to a collector.

    :param version: the version, installed, its database migrated
    :param dags_folder: where DAG files are; none is read
    :raises CompatError: if something else arrives
    """
    with StatsdReceiver() as statsd, OtlpReceiver() as collector:
        env = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd.port),
            "AIRFLOW__TRACES__OTEL_ON": "True",
            # Below 3.2 these two say where to, from 3.2 on OpenTelemetry's own variables.
            "AIRFLOW__TRACES__OTEL_HOST": "127.0.0.1",
            "AIRFLOW__TRACES__OTEL_PORT": str(collector.port),
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
        }
        DagTest(version.python, version.home, dags_folder, env, version.folder).inside("telemetry")
        wait_until(lambda: len(statsd.sums(PREFIX)) >= len(EXPECTED), ARRIVAL)
        sums = {name.removeprefix(PREFIX): value for name, value in statsd.sums(PREFIX).items()}
        if sums != EXPECTED:
            raise CompatError(f"a StatsD server received {sums}")
        wait_until(lambda: len(_spans(collector)) >= 2, ARRIVAL)
        if _spans(collector) != {"ekyc.submit": "", "ekyc.send": "ekyc.submit"}:
            raise CompatError(f"an OpenTelemetry collector received the spans {_spans(collector)}")


def _spans(collector: OtlpReceiver) -> dict[str, str]:
    """Return the name of each span of the package -> the name of the span around it."""
    spans = [span for span in collector.spans if span.name.startswith("ekyc.")]
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id, "") for span in spans}
