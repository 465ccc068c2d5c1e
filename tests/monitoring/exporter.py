"""What statsd_exporter makes of a metric with the mapping of the docs: as much of its rules as the mapping uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.testing.statsd_receiver import Metric

MAPPING = Path(__file__).parents[2] / "docs" / "grafana" / "statsd_exporter_mapping.yml"


@dataclass(frozen=True)
class Series:
    """A series of Prometheus."""

    name: str
    labels: tuple[tuple[str, str], ...]


def exported(metric: Metric) -> Series | None:
    """
    Return the series that a metric goes to; None if no pattern is of it.

    Patterns without ``match_type: regex`` come first, as in statsd_exporter; in them ``*`` is one part of the name.
    """
    rules = sorted(yaml.safe_load(MAPPING.read_text())["mappings"], key=lambda rule: "match_type" in rule)
    for rule in rules:
        found = _pattern(rule).fullmatch(metric.name)
        if found is not None and (metric.kind == "ms") == (rule.get("observer_type") == "histogram"):
            labels = {key: _filled(text, found) for key, text in rule.get("labels", {}).items()} | dict(metric.tags)
            return Series(_filled(rule["name"], found), tuple(sorted(labels.items())))
        if found is not None:
            return None
    return None


def _pattern(rule: dict[str, Any]) -> re.Pattern[str]:
    if rule.get("match_type") == "regex":
        return re.compile(rule["match"])
    return re.compile(r"([^.]+)".join(re.escape(part) for part in rule["match"].split("*")))


def _filled(text: str, found: re.Match[str]) -> str:
    return re.sub(r"\$\{?(\d)\}?", lambda place: found[int(place[1])], text)
