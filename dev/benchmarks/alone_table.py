"""What rounds of methods in processes of their own come to: a table, and figures with their bounds. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from dev.benchmarks.alone import Method, Run
from dev.benchmarks.move_table import spread


def table(runs: Mapping[Method, Sequence[Run]], peers: Sequence[Method]) -> list[str]:
    """
    Return the lines of a table.

    :param peers: with which each is compared, a column for each
    """
    head = ["", "wall s", *(f"ratio to {peer.name}" for peer in peers), "CPU s", "MiB in all"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for method, own in runs.items():
        cells = [
            method.name,
            spread([run.wall for run in own]),
            *("-" if peer == method else spread(ratios(own, runs[peer])) for peer in peers),
            f"{statistics.median(run.cpu for run in own):.2f}",
            f"{peak(own):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def figure(name: str, runs: Sequence[Run], peer: Sequence[Run] | None) -> dict[str, Any]:
    """Return one entry of the shared file."""
    return {
        "name": name,
        "value": round(statistics.median(run.wall for run in runs), 4),
        "unit": "s",
        "peer": None if peer is None else round(statistics.median(run.wall for run in peer), 4),
        "ratio": None if peer is None else round(statistics.median(ratios(runs, peer)), 4),
        "rss_mib": round(peak(runs), 1),
    }


def ratios(runs: Sequence[Run], peer: Sequence[Run]) -> list[float]:
    """Return the time as a multiple of the peer's, round by round."""
    return [own.wall / other.wall for own, other in zip(runs, peer, strict=True)]


def peak(runs: Sequence[Run]) -> float:
    """Return the most memory of all runs, in MiB."""
    return max(run.peak_mib for run in runs)
