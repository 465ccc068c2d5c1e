"""The result of the rounds: medians with their spread, ratios within a round, lines of a table. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dev.benchmarks.move_rounds import Measured

HEAD = (
    "| | wall s | ratio to the peer | CPU s | source CPU s | sink CPU s | MiB above idle | idle MiB | imports s |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True, slots=True)
class Bound:
    """
    What must hold for a figure.

    :param ratio: to the peer, at the most
    :param rss_mib: above an idle process, at the most
    """

    ratio: float | None = None
    rss_mib: float | None = None


def walls(measured: Measured) -> list[float]:
    """Return the seconds of all moves."""
    return [sample.spent.wall for sample in measured.samples]


def ratios(measured: Measured, peer: Measured) -> list[float]:
    """Return the method's time as a multiple of the peer's, round by round."""
    return [own / other for own, other in zip(walls(measured), walls(peer), strict=True)]


def spread(values: Sequence[float]) -> str:
    """Return ``median [min-max]``."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"


def print_table(table: Sequence[Measured], peer: Measured | None, size: str) -> list[dict[str, Any]]:
    """
    Print what was measured.

    :param peer: what the others are compared with; it may be one of them
    :param size: is appended to the names of the figures
    :return: the figures
    """
    print(HEAD)
    figures = []
    for measured in table:
        other = None if measured is peer else peer
        print(row(measured, other))
        figures.append(figure(f"{measured.method.figure}_{size}", measured, other))
    return figures


def row(measured: Measured, peer: Measured | None) -> str:
    """Return a line of the table."""
    samples = measured.samples
    cells = [
        measured.method.name,
        spread(walls(measured)),
        spread(ratios(measured, peer)) if peer else "-",
        *(
            f"{statistics.median(seconds):.2f}"
            for seconds in (
                [sample.spent.cpu for sample in samples],
                [sample.source_cpu for sample in samples],
                [sample.sink_cpu for sample in samples],
            )
        ),
        "-" if measured.above_idle_mib is None else f"{measured.above_idle_mib:.0f}",
        f"{measured.idle.peak_mib:.0f}",
        f"{measured.idle.import_seconds:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def figure(name: str, measured: Measured, peer: Measured | None) -> dict[str, Any]:
    """Return one entry of the shared file."""
    return {
        "name": name,
        "value": round(statistics.median(walls(measured)), 4),
        "unit": "s",
        "peer": round(statistics.median(walls(peer)), 4) if peer else None,
        "ratio": round(statistics.median(ratios(measured, peer)), 4) if peer else None,
        "rss_mib": None if measured.above_idle_mib is None else round(measured.above_idle_mib, 1),
    }


def verdict(entry: dict[str, Any], bound: Bound) -> tuple[bool, str]:
    """
    Compare a figure with its bound.

    :return: whether it holds, and a line that says so
    """
    held, words = True, []
    for name, limit in (("ratio", bound.ratio), ("rss_mib", bound.rss_mib)):
        value = entry[name]
        if value is None:
            held = held and limit is None
            words.append(f"{name} not measured")
            continue
        if limit is None:
            words.append(f"{name}={value:g} (no bound)")
            continue
        held = held and value <= limit
        words.append(f"{name}={value:g} (bound {limit:g}: {'holds' if value <= limit else 'BROKEN'})")
    return (
        held,
        f"{entry['name']}: value={entry['value']:g} {entry['unit']} peer={entry['peer'] or 'none'} {' '.join(words)}",
    )
