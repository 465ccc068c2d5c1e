"""The figures of a run as tables of Markdown, for the page: ``python -m dev.scale.table [build/scale.json]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.scale.environment import ROOT

Figures = Mapping[str, Any]


def tables(figures: Figures) -> str:
    """Return the tables of a run.

    :param figures: what ``build/scale.json`` holds
    """
    return "\n\n".join((_kills(figures), _tasks(figures), _memory(figures), _sums(figures)))


def _kills(figures: Figures) -> str:
    return _table(
        ("killed", "its successor was ready after", "tasks queued or running then", "recovered after"),
        (
            (
                each["name"],
                _seconds(each["back_after_seconds"], "none meanwhile"),
                each["tries_under_way"],
                _seconds(each["recovered_after_seconds"], "not"),
            )
            for each in figures["kills"]
        ),
    )


def _seconds(value: float | None, without: str) -> str:
    return without if value is None else f"{value} s"


def _tasks(figures: Figures) -> str:
    return _table(
        ("task and how it left its slot", "times", "seconds p50", "p95"),
        ((name, each["count"], each["median"], each["p95"]) for name, each in figures["task_seconds"].items()),
    )


def _memory(figures: Figures) -> str:
    return _table(
        ("component", "MiB least", "median", "most", "its largest process"),
        (
            (name, each["least"], each["median"], each["most"], each["largest_process"])
            for name, each in figures["memory_mib"].items()
        ),
    )


def _sums(figures: Figures) -> str:
    files = figures["plan"]["files"]
    cpu = figures["cpu_seconds"]
    ended = sum(each["ended"] for name, each in cpu.items() if name.startswith("worker"))
    own = {name: each["own"] + (0.0 if name.startswith("worker") else each["ended"]) for name, each in cpu.items()}
    workers = sum(seconds for name, seconds in own.items() if name.startswith("worker"))
    rows = [("task processes", ended), ("workers themselves", workers)]
    rows += [(name, seconds) for name, seconds in own.items() if not name.startswith("worker")]
    return _table(
        ("CPU", "seconds in all", "per verification"),
        ((name, round(seconds), f"{seconds / files:.2f}") for name, seconds in rows),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def main(arguments: Sequence[str]) -> None:
    """Print the tables.

    :param arguments: the file, ``build/scale.json`` by default
    """
    path = Path(arguments[0]) if arguments else ROOT / "build" / "scale.json"
    print(tables(json.loads(path.read_text())))


if __name__ == "__main__":
    main(sys.argv[1:])
