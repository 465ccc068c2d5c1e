"""Read ``docs/warehouse.md``: its statements, the result that stands below each, its example rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"

#: Where the page's objects lie.
BUCKET = "s3://ekyc-results"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page: its columns, and its cells as they are printed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """
    A fenced block of the page.

    :param language: what stands behind the fence, such as ``sql duckdb trino``
    :param heading: of its section
    :param below: the table that follows it at once, or None
    """

    language: str
    code: str
    heading: str
    below: Table | None

    @property
    def dialects(self) -> tuple[str, ...]:
        """The engines that the statements are for; none if they are no SQL."""
        kind, *dialects = self.language.split()
        return tuple(dialects) if kind == "sql" else ()


def blocks(page: Path = PAGE) -> Iterator[Block]:
    """Yield all fenced blocks in their order."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w[\w ]*)\n(.*?)^```\n(?:\n((?:\|[^\n]*\n)+))?", text, re.MULTILINE | re.DOTALL):
        heading = re.findall(r"^##? (.+)$", text[: found.start()], re.MULTILINE)[-1]
        yield Block(found[1], found[2], heading, _table(found[3]) if found[3] else None)


def table_with(columns: tuple[str, ...], page: Path = PAGE) -> Table:
    """
    Return the table with these columns.

    :raises LookupError: if there is none, or more than one
    """
    found = re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
    (table,) = [table for table in map(_table, found) if table.columns == columns] or [None]
    if table is None:
        raise LookupError(f"no table of {', '.join(columns)}")
    return table


def _table(text: str) -> Table:
    lines = [tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in text.splitlines()]
    return Table(lines[0], tuple(lines[2:]))
