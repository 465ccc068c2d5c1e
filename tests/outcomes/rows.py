"""Read the tables of ``rows.md``: what provokes an outcome of ``docs/outcomes.md``, and what is seen then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox.faults import CALLS, Fault
from tests.outcomes.deliveries import DELIVERIES

DATA = Path(__file__).with_name("rows.md")

COLUMNS = (
    "outcome",
    "what happens",
    "provoked by",
    "tries",
    "the task",
    "you see",
    "charged",
    "a retry or a clear then",
)

ENDINGS = frozenset({"succeeds", "goes on waiting", "fails for good", "fails, retryable", "times out", "is killed"})

NEXT = frozenset(
    {
        "submits",
        "submits again",
        "prepares",
        "returns it",
        "stays unknown",
        "stops again",
        "asks again",
        "fails again",
        "downloads again",
        "finds it",
        "adds it",
    }
)

#: What a bare number behind a kind of fault stands for.
_BARE = {
    "status": "status",
    "status_after": "status",
    "early_status": "status",
    "html": "status",
    "html_after": "status",
    "informational": "status",
    "other_status": "status",
    "echo": "status",
    "delay": "seconds",
    "slow_body": "seconds",
    "stall": "seconds",
    "extra_rows": "rows",
    "missing_rows": "rows",
}
_INTEGERS = frozenset({"at_byte", "skip", "rows", "status"})


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row of one table.

    :param table: heading of the table
    :param line: number of the line in the file
    :param cells: column -> words
    """

    table: str
    line: int
    cells: Mapping[str, str]

    @property
    def name(self) -> str:
        """What pytest shows."""
        return f"{self.table}: {self.cells['what happens']}"

    @property
    def seen(self) -> list[str]:
        """Parts of the message; of the log, if the task does not fail."""
        return code_in(self.cells["you see"])

    @property
    def expected_tries(self) -> tuple[int, bool]:
        """How many calls, and whether more are right too (``2+``)."""
        return _count(self.cells["tries"])

    @property
    def expected_charge(self) -> tuple[int, bool]:
        """How many submissions, or answered queries, and whether more are right too."""
        words = self.cells["charged"]
        match = re.fullmatch(r"(?:unknown: )?(\d+\+?)(?: quer(?:y|ies))?", words)
        if match is None:
            raise ValueError(f"no such charge: {words!r}")
        return _count(match[1])


@dataclass
class Provocation:
    """
    What is to be arranged so that a row happens.

    :param faults: of the sandbox
    :param answers: status answers that the sandbox itself never gives: words by name
    :param arranged: who -> what, in order: everything that is no fault of the sandbox
    """

    faults: list[Fault] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    arranged: list[tuple[str, str]] = field(default_factory=list)

    def settings(self, who: str) -> dict[str, str]:
        """Return what is said as ``who: name=value``."""
        words = [what for name, what in self.arranged if name == who]
        return {name: value for what in words for name, _, value in [what.partition("=")]}

    def said(self, who: str) -> list[str]:
        """Return what is said as ``who: words``."""
        return [what for name, what in self.arranged if name == who]


def rows(data: Path = DATA) -> list[Row]:
    """
    Return all rows of all tables.

    :raises ValueError: for a table with other columns, and for a row with another number of cells
    """
    found: list[Row] = []
    heading, inside = "", False
    for number, line in enumerate(data.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            heading, inside = line.lstrip("# "), False
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif tuple(cells) == COLUMNS:
            inside = True
        elif cells[:2] == list(COLUMNS[:2]):
            raise ValueError(f"line {number}: the columns are {', '.join(COLUMNS)}")
        elif inside and not set(line) <= set("|- "):
            if len(cells) != len(COLUMNS):
                raise ValueError(f"line {number} has {len(cells)} cells, not {len(COLUMNS)}")
            found.append(Row(heading, number, dict(zip(COLUMNS, cells, strict=True))))
    return found


def code_in(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def provocation(row: Row) -> Provocation:
    """
    Read what provokes the row.

    :raises ValueError: for words that mean nothing
    """
    cell = row.cells["provoked by"]
    items = code_in(cell)
    if not items or re.sub(r"`[^`]+`", "", cell).strip(" ,"):
        raise ValueError(f"line {row.line}: provoked by takes backticks and commas alone, not {cell!r}")
    made = Provocation()
    for item in items:
        who, colon, what = item.partition(": ")
        if not colon:
            raise ValueError(f"line {row.line}: {item!r} does not say who")
        if who in CALLS:
            _read_fault(made, who, what.split())
        elif who in ARRANGEMENTS:
            if not re.fullmatch(ARRANGEMENTS[who], what):
                raise ValueError(f"line {row.line}: {who} knows no {what!r}")
            made.arranged.append((who, what))
        else:
            raise ValueError(f"line {row.line}: nobody is called {who!r}")
    return made


#: What may befall an object in S3.
_S3 = (
    r"(put|head|list|create|part|complete|abort) (cut_before|cut_after|status \d{3}( \w+)?)( always)?"
    r"|taken by (a stranger|another task)( meanwhile)?"
)

#: Everything beside the sandbox's faults that a row may ask for: who -> a regular expression of what.
ARRANGEMENTS: dict[str, str] = {
    "sandbox": (
        r"(submit_status|balance|ending|queue_seconds|unknown_seconds|completed_seconds"
        r"|failure_rows|failure_rows_in_result|extra_success)=[\w.]+"
    ),
    "connection": (
        r"(password|account|result_hosts|submit_timeout|read_timeout|prices)=\S+|host=(gone|untrusted)|id=\w+"
    ),
    "operator": (
        r"(timeout|poll_interval|on_unknown_outcome|task_type|spool_dir|ekyc_task_id|replace"
        r"|output_format|check|number_column|result_column|unmatched_key|on_mismatch"
        r"|max_rows|max_cost|min_balance_after|max_total_rows|invalid|normalise|skip_verified_within|history_uri"
        r"|destination_uri|rejects_uri|iceberg_table|s3_key|delimiter)=\S+"
    ),
    "transfer": r"output_format=\w+( without pyarrow| with iceberg_table)?",
    "numbers": (
        r"missing|empty|invalid|too few|too many|another file|in another order|5000|overwritten while it is read"
        r"|in an S3 that (is gone|trickles|answers [A-Za-z]+)|a named pipe|a device|a directory|given as contents"
        r"|a path with a NUL|a name that is too long"
    ),
    "list": (
        r"missing|empty|blank|too few|overwritten while it is read|a row without a number|no row with a number"
        r"|what was prepared before|a PDF|a table of two columns"
    ),
    "query": r"refused|without a server",
    "destination": r"a file|full|in an S3 that (is gone|answers [A-Za-z]+)",
    "history": (
        r"damaged|all are fresh|most are fresh|of another schema|without Parquet|missing|replaced while it is read"
        r"|in an S3 that answers \d+ [A-Za-z]+"
    ),
    "manifest": (
        r"whole|cut|of another release|of other arguments|without a file|of a file that was changed"
        r"|of more rows than max_total_rows"
    ),
    "memory": r"runs out",
    "journal": (
        r"receipt|intent|away|intent refused|receipt refused|receipt damaged|receipt of schema 3|intent damaged"
        r"|intent, (adopted|deleted|sent again) by hand|receipt, (deleted by hand|forgotten)"
        r"|(receipt|intent), under an earlier task id"
    ),
    "journal_uri": r"two at once|while the other uploads",
    "sent": r"given(, (changed since|gone since|without its sum|of another task))?|(numbers|submission) alone",
    "archive": DELIVERIES,
    "s3": (
        rf"{_S3}|no such bucket|gone|wrong secret|ignores If-None-Match|in parts"
        r"|landed before( as (zip|csv|csv\.gz|parquet)| without unmatched_key|, then (emptied|cut|overwritten))?"
    ),
    "unmatched": rf"{_S3}|landed before, then deleted",
    "table": (
        r"not there|there|has the rows in another file|another writer (once|always)|answer lost once|silent"
        r"|silent at the commit|without a (connection|namespace)|with a wrong secret|of another schema"
        r"|partitioned by the number|names the object as it was before|names the key for another task"
    ),
    "disk": r"no file beyond \d+ bytes",
    "ranges": r"of \d+ bytes",
    "kill": (
        r"while a list is read|before the intent|after the intent|during the submission|before the receipt"
        r"|after the receipt|while it waits|during the download|(before|after) the (put|part|completion)"
    ),
}


def _read_fault(made: Provocation, call: str, words: list[str]) -> None:
    kind, *rest = words
    arguments: dict[str, Any] = {}
    answer: dict[str, str] = {}
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "always":
            arguments["times"] = None
        elif re.fullmatch(r"x[1-9]\d*", word):
            arguments["times"] = int(word[1:])
        elif equals and name == "retry-after":
            arguments["headers"] = {"Retry-After": value}
        elif equals and name == "code":
            arguments["body"] = f"<Error><Code>{value}</Code></Error>"
        elif equals and name in ("form", "location"):
            arguments[name] = value
        elif equals and name in ("word", "of"):
            answer[name] = value
        elif equals and name in _INTEGERS:
            arguments[name] = int(value)
        elif not equals and kind in _BARE and _BARE[kind] not in arguments:
            arguments[_BARE[kind]] = float(word) if _BARE[kind] == "seconds" else int(word)
        else:
            raise ValueError(f"{call}: {kind} can't take {word!r}")
    fault = Fault(call=call, kind=kind, **arguments)  # type: ignore[arg-type]  # it checks the call itself
    if answer:
        # The body is made when the task is known.
        made.answers.append(answer)
    else:
        made.faults.append(fault)


def _count(words: str) -> tuple[int, bool]:
    match = re.fullmatch(r"(\d+)(\+?)", words)
    if match is None:
        raise ValueError(f"no such count: {words!r}")
    return int(match[1]), bool(match[2])


def faults_of(all_rows: list[Row]) -> Iterator[Fault]:
    """Yield every fault of the sandbox that a row names."""
    for row in all_rows:
        yield from provocation(row).faults
