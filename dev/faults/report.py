"""What a run prints: a table, what is off in words, and the line for a script."""

from __future__ import annotations

from collections.abc import Sequence

from dev.faults.case import End
from dev.faults.verdict import Verdict

_HEADS = (
    *("class", "n", "sched", "killed", "success", "clear", "retries", "unknown", "unsent"),
    *("charged", "double", "asked", "lost", "partial", "rows lost", "rows twice", "off"),
)

_LEGEND = """
sched: run by a real scheduler. killed: tries that got SIGKILL. clear: failed for good with a clear message.
retries: retries used up, with an error that a further try may fix. unknown: failed for good, and says that it
may or may not have been charged; unsent: of these, where in fact nothing was sent (killed between the intent and
the first byte, where nobody can know). double: charges beyond the first; asked: those that resubmit asked for,
or that was sent after all records had been deleted, with a warning. rows: of the Iceberg table.
""".strip()


def table_of(verdicts: Sequence[Verdict]) -> str:
    """Draw the table, one line a group, with its legend."""
    groups = list(dict.fromkeys(verdict.case.group for verdict in verdicts))
    groups.sort(key=_order)
    rows = [list(_HEADS), *(_row(group, [v for v in verdicts if v.case.group == group]) for group in groups)]
    rows.append(_row("all", verdicts))
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    lines = []
    for name, *cells in rows:
        figures = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *figures]))
    return "\n".join([*lines, "", _LEGEND])


def last_line(verdicts: Sequence[Verdict]) -> str:
    """Write the line that a script reads."""
    figures = figures_of(verdicts)
    return "faults: " + " ".join(f"{name}={value}" for name, value in {"n": len(verdicts), **figures}.items())


def figures_of(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Count what must be 0."""
    return {
        "double_charges": sum(verdict.double for verdict in verdicts),
        "silent_losses": sum(verdict.lost for verdict in verdicts),
        "partial_objects": sum(verdict.partial for verdict in verdicts),
        "off_table": sum(bool(verdict.off) for verdict in verdicts),
        "table_rows_lost": sum(verdict.table_lost for verdict in verdicts),
        "table_rows_twice": sum(verdict.table_twice for verdict in verdicts),
    }


def complaints(verdicts: Sequence[Verdict]) -> list[str]:
    """Say, one line a case, what is not as it should be."""
    return [
        f"case {verdict.case.number}: {verdict.case.shown}: " + "; ".join(_complaints(verdict))
        for verdict in verdicts
        if _complaints(verdict) or verdict.partial
    ]


def _complaints(verdict: Verdict) -> list[str]:
    words = {
        "charged twice": verdict.double,
        "lost": verdict.lost,
        "rows are not in the table": verdict.table_lost,
        "rows are in the table twice": verdict.table_twice,
    }
    return [*verdict.off, *(word for word, count in words.items() if count)]


def _order(group: str) -> tuple[int, str]:
    word = group.partition(",")[0]
    return ("unharmed", "submit", "wait", "land", "table", "chain").index(word), group


def _row(name: str, verdicts: Sequence[Verdict]) -> list[str]:
    ends = [verdict.end for verdict in verdicts]
    figures = (
        len(verdicts),
        sum(verdict.case.scheduled for verdict in verdicts),
        sum(verdict.kills for verdict in verdicts),
        ends.count(End.SUCCESS),
        ends.count(End.CLEAR),
        ends.count(End.RETRYABLE),
        ends.count(End.UNKNOWN),
        sum(verdict.unsent for verdict in verdicts),
        sum(verdict.charged for verdict in verdicts),
        sum(verdict.double for verdict in verdicts),
        sum(verdict.asked_double for verdict in verdicts),
        sum(verdict.lost for verdict in verdicts),
        sum(verdict.partial for verdict in verdicts),
        sum(verdict.table_lost for verdict in verdicts),
        sum(verdict.table_twice for verdict in verdicts),
        sum(bool(verdict.off) for verdict in verdicts),
    )
    return [name, *(str(figure) for figure in figures)]
