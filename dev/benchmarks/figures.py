"""The file of figures that all benchmarks share, ``build/bench.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parents[2] / "build" / "bench.json"


def record(table: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the figures into the file that all benchmarks share; those of other names stay."""
    try:
        others = json.loads(path.read_text())["figures"]
    except FileNotFoundError:
        others = []
    names = {entry["name"] for entry in table}
    merged = [entry for entry in others if entry["name"] not in names] + list(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_text(json.dumps({"figures": merged}, indent=2) + "\n")
    written.replace(path)
