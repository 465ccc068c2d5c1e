"""The moves over a modelled network: names of the figures, the memory of all of them, and how a run ends."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from dev.benchmarks import move, move_run, network
from dev.benchmarks.move_table import Bound


def produced() -> set[str]:
    """Return the names of all figures of a whole run."""
    return {
        f"{network.in_network(method).figure}_{network.SUFFIXES.get(name, name)}"
        for name, (_, _, methods) in network.TABLES.items()
        for method in methods
    }


def test_each_bound_is_of_a_figure_that_is_measured() -> None:
    assert set(network.BOUNDS) == {*network.OURS, "net_memory_mib"}
    assert set(network.OURS) < produced()


def test_figures_have_other_names_than_on_loopback() -> None:
    assert network.in_network(move.CHECKED).figure == "net_checked"
    assert not produced() & set(move.BOUNDS)


def test_the_memory_is_the_most_of_ours() -> None:
    entries = [
        {"name": "net_http_to_s3_60mb", "rss_mib": 900.0},
        {"name": "net_checked_60mb", "rss_mib": 120.5},
        {"name": "net_parquet_10m", "rss_mib": 180.5},
    ]
    (entry,) = network.memory(entries)
    assert (entry["name"], entry["value"], entry["rss_mib"], entry["unit"]) == ("net_memory_mib", 180.5, 180.5, "MiB")
    assert network.memory(entries[:1]) == []


@pytest.mark.parametrize(("ratio", "code"), [(0.85, 0), (0.86, 1)])
def test_a_run_ends_with_the_names_of_bounds_that_do_not_hold(
    capsys: pytest.CaptureFixture[str], ratio: float, code: int
) -> None:
    figure: dict[str, Any] = {"name": "net_checked_60mb", "value": 1.0, "unit": "s", "peer": 1.0, "rss_mib": 1.0}
    arguments = argparse.Namespace(quick=True, no_check=True)
    bounds = {"net_checked_60mb": Bound(ratio=0.85)}
    assert move_run.run(arguments, [], lambda bench: [{**figure, "ratio": ratio}], (), bounds) == code
    assert ("These bounds do not hold: net_checked_60mb" in capsys.readouterr().err) == bool(code)
