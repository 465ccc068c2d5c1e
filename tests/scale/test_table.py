"""dev/scale/table.py: the tables that docs/scale.md has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev.scale.table import main

FIGURES = {
    "plan": {"files": 4},
    "kills": [
        {"name": "Redis", "back_after_seconds": 0.4, "tries_under_way": 7, "recovered_after_seconds": 98.0},
        {"name": "triggerer", "back_after_seconds": None, "tries_under_way": 0, "recovered_after_seconds": None},
    ],
    "task_seconds": {"submit success": {"count": 4, "median": 1.5, "p95": 2.0, "sum": 6.0}},
    "memory_mib": {"scheduler": {"least": 100, "median": 110, "most": 120, "largest_process": 115}},
    "cpu_seconds": {
        "scheduler": {"own": 7.0, "ended": 1.0},
        "worker-1": {"own": 3.0, "ended": 2.0},
        "worker-2": {"own": 1.0, "ended": 4.0},
    },
}


def test_each_figure_is_in_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scale.json"
    file.write_text(json.dumps(FIGURES))
    main([str(file)])
    lines = capsys.readouterr().out.splitlines()
    assert "| Redis | 0.4 s | 7 | 98.0 s |" in lines
    assert "| triggerer | none meanwhile | 0 | not |" in lines
    assert "| submit success | 4 | 1.5 | 2.0 |" in lines
    assert "| scheduler | 100 | 110 | 120 | 115 |" in lines
    # A worker's tasks are processes that have ended; what they used is not the worker's own.
    assert "| task processes | 6 | 1.50 |" in lines
    assert "| workers themselves | 4 | 1.00 |" in lines
    assert "| scheduler | 8 | 2.00 |" in lines
