"""Read ``docs/outcomes.md``: what a person reads of each outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

#: Chapter -> its columns; what is charged is a matter of submissions alone.
COLUMNS = {
    "Prepare": ("what happens", "you see", "the task", "then", "what to do"),
    "Submit": ("what happens", "you see", "the task", "charged", "then", "what to do"),
    "Wait": ("what happens", "you see", "the task", "then", "what to do"),
    "Land": ("what happens", "you see", "the task", "then", "what to do"),
}
_ANCHOR = re.compile(r'<a id="([a-z0-9-]+)"></a>')


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One row of the page.

    :param id: of its anchor
    :param chapter: heading
    :param cells: column -> words
    """

    id: str
    chapter: str
    cells: Mapping[str, str]

    @property
    def seen(self) -> list[str]:
        """Fragments of messages."""
        return re.findall(r"`([^`]+)`", self.cells["you see"])


def outcomes(page: Path = DOCS / "outcomes.md") -> dict[str, Outcome]:
    """
    Return all outcomes, by id.

    :raises ValueError: for a row that has no id, one that another row has, or another number of cells
    """
    found: dict[str, Outcome] = {}
    chapter = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            chapter = line.removeprefix("## ")
        if not line.startswith("|") or chapter not in COLUMNS or set(line) <= set("|- "):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if tuple(cells) == COLUMNS[chapter]:
            continue
        anchor = _ANCHOR.match(cells[0])
        if anchor is None or anchor[1] in found or len(cells) != len(COLUMNS[chapter]):
            raise ValueError(f"line {number}: not a row with an id of its own and {', '.join(COLUMNS[chapter])}")
        found[anchor[1]] = Outcome(anchor[1], chapter, dict(zip(COLUMNS[chapter], cells, strict=True)))
    return found
