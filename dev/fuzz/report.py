"""What a run prints: a table, what went wrong, and the line for a script."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from dev.fuzz.model import COMPARED, FIGURES, KINDS, TRAITS, Verdict, kind_of

_HEADS = ("class", "n", "read", "refused", "most MiB", "most KiB written", "most s")


def figures_of(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Count what must be 0."""
    counted = Counter(failure.figure for verdict in verdicts for failure in verdict.failures)
    return {figure: counted[figure] for figure in FIGURES}


def last_line(verdicts: Sequence[Verdict], seconds: float) -> str:
    """Write the line that a script reads."""
    kinds = Counter(kind_of(index) for index in {verdict.index for verdict in verdicts if verdict.index >= 0})
    shown: dict[str, object] = {"n": kinds.total()}
    shown |= {kind: kinds[kind] for kind in dict.fromkeys(KINDS)}
    shown |= figures_of(verdicts)
    shown["peak_mib"] = max((verdict.memory for verdict in verdicts), default=0) >> 20
    shown["seconds"] = round(seconds)
    shown |= {trait: len({verdict.index for verdict in verdicts if trait in verdict.traits}) for trait in TRAITS}
    return "fuzz: " + " ".join(f"{name}={value}" for name, value in shown.items())


def complaints(verdicts: Sequence[Verdict], seed: int) -> list[str]:
    """Write one line for each kind of failure: what, how often, with which inputs, and where these are."""
    kinds: dict[tuple[str, str, str, str], list[Verdict]] = defaultdict(list)
    for verdict in sorted(verdicts, key=lambda verdict: verdict.index):
        for failure in verdict.failures:
            kinds[failure.figure, verdict.kind, verdict.name, failure.words].append(verdict)
    lines = []
    for (figure, kind, name, words), found in kinds.items():
        indices = ", ".join(str(verdict.index) for verdict in found[:5]) + (", …" if len(found) > 5 else "")
        # The files of an input of which there is a smaller one, or of the first.
        kept = max((verdict.kept for verdict in found), key=len)
        files = f": {', and smaller: '.join(kept)}" if kept else ""
        lines.append(f"{figure}: {len(found)} times: {kind}, {name}: {words}: seed {seed} index {indices}{files}")
    return lines


def table_of(verdicts: Sequence[Verdict]) -> str:
    """Draw the table, one line a class of inputs."""
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_name = verdict.kind in (*KINDS, COMPARED)
        groups[f"{verdict.kind}: {verdict.name}" if by_name else f"archives as {verdict.kind}"].append(verdict)
    rows = [list(_HEADS), *(_row(name, groups[name]) for name in sorted(groups)), _row("all", verdicts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        figures = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *figures]))
    return "\n".join(lines)


def _row(name: str, verdicts: Sequence[Verdict]) -> list[str]:
    ends = [verdict.end for verdict in verdicts]
    memory = max((verdict.memory for verdict in verdicts), default=0) >> 20
    written = max((verdict.written for verdict in verdicts), default=0) >> 10
    seconds = max((verdict.seconds for verdict in verdicts), default=0.0)
    counts = (len(verdicts), ends.count("read"), ends.count("refused"), memory, written, f"{seconds:.2f}")
    return [name, *map(str, counts)]
