"""What ``make compat`` looks at under each version, what it is to find, and the table of it in ``docs/compat.md``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.stack.compat.airflow_names import minor_version
from dev.stack.compat.versions import ROOT, VERSIONS, Version

RECORD = ROOT / "docs" / "compat.json"
PAGE = ROOT / "docs" / "compat.md"
BEGIN = '<!-- The table is made by "make compat" from compat.json. -->'
END = "<!-- End of the table. -->"

OWN_FORM = "own fields"
GENERAL_FORM = "general form"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :param key: its name in ``docs/compat.json``
    :param label: what the table says
    :param expected: Airflow's minor version -> what is to be found from then on. True is "yes", False "no"
    """

    key: str
    label: str
    expected: Mapping[str, bool | str] = field(default_factory=lambda: {"2.11": True})

    def expected_under(self, number: str) -> bool | str:
        """Return what is to be found under one version.

        :param number: the version
        """
        known = [what for since, what in self.expected.items() if minor_version(since) <= minor_version(number)]
        return known[-1]


def _since(version: str) -> Mapping[str, bool | str]:
    return {"2.11": False, version: True}


#: Of the wheel alone, of the features, of a whole deployment: in the table's order.
ROWS = (
    Row("bare_install", "the wheel alone, under the version's pins: installed, all requirements met"),
    Row("bare_imports", "each module is imported, or names the extra that it needs"),
    Row("bare_metadata", "Airflow's provider manager accepts the provider's metadata"),
    Row("form", "connection form in the web UI", {"2.11": OWN_FORM, "3.0": GENERAL_FORM, "3.1": OWN_FORM}),
    Row("form_stored", "a connection stored through the form is the one that the tasks use"),
    Row("form_test", "**Test** of the connection form"),
    Row("page", "page eKYC, and its data for signed-in users alone", _since("3.1")),
    Row("basic", "basic chain: deferred, resumed by the triggerer, landed, paid once"),
    Row("progress", "XCom `progress`, written by the triggerer"),
    Row("xcoms", "XComs `summary`, `submission`, `unsettled`, `result`"),
    Row("object_button", "button to the object"),
    Row("console_button", "button to the vendor's console"),
    Row("page_button", "button to the page", _since("3.1")),
    Row("clear_submit", "a clear of `submit`: the same remote task, nothing paid again"),
    Row("clear_chain", "a clear of the chain: nothing paid again"),
    Row("keep_task_state", "a clear that keeps the task state: nothing paid again", _since("3.4")),
    Row("mapped", "two mapped files: two submissions"),
    Row("mapped_grown", "a clear after a file was added at the front of the list: one submission more"),
    Row("renamed", "a clear after `submit` was given another task id, in a task group: nothing paid again"),
    Row("loop", "a looped task group: one submission per iteration, none for a clear", _since("3.4")),
    Row("loop_adopted", "an iteration of a loop whose outcome is unknown is adopted on the page", _since("3.4")),
    Row("triggerer_killed", "kill -9 of the triggerer during a deferral: paid once, landed"),
    Row("restart", "a restart of all processes during a deferral: paid once, landed"),
    Row("clear_after_restart", "a clear after the restart: nothing paid again"),
    Row("unknown", "an unknown outcome: stopped, also after a clear and after the restart"),
    Row("adopted", "the unknown outcome is adopted on the page: the chain goes on, nothing paid again", _since("3.1")),
    Row("marked_failed", "a deferred task that was marked failed, then cleared: nothing paid again"),
    Row("on_kill", "the log of such a task says that the remote task goes on", _since("3.3")),
    Row("retry_policy", "`EKYC_RETRY_POLICY`; None where there is none", _since("3.3")),
)


class Findings:
    """What was found under one version.

    :param version: the version
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self.found: dict[str, bool | str] = {}
        self.errors: list[str] = []

    def note(self, key: str, what: bool | str = True) -> None:
        """Note what was found.

        :param key: of the row
        :param what: what was found
        :raises KeyError: if there is no such row
        """
        if key not in {row.key for row in ROWS}:
            raise KeyError(key)
        self.found[key] = what

    def wrong(self) -> list[str]:
        """Return what does not hold, in words: what failed, and what was found and is not expected."""
        number = self._version.number
        differs = [
            f"{row.key} is {self.found[row.key]!r} (right: {row.expected_under(number)!r})"
            for row in ROWS
            if row.key in self.found and self.found[row.key] != row.expected_under(number)
        ]
        return [*self.errors, *differs]


def pins(version: Version) -> str:
    """Return what tells one constraint file from another.

    :param version: whose constraints
    """
    return hashlib.sha256(version.constraints.read_bytes()).hexdigest()[:16]


def read_record(file: Path = RECORD) -> dict[str, Any]:
    """Read what was found by version: ``pins``, and ``found`` by key.

    :param file: the record
    :return: the record; empty if there is none
    """
    return dict(json.loads(file.read_text())) if file.exists() else {}


def write_record(findings: Mapping[str, Findings], record: Path = RECORD, page: Path = PAGE) -> None:
    """Put what was found into the record, and make the table of the page anew.

    :param findings: by version. Versions that are not among them stay as they are in the record, and so do rows that
        were not looked at now, if they were found with the same pins
    :param record: the record
    :param page: the page
    """
    known = read_record(record)
    for number, each in findings.items():
        made_with, old = pins(Version(number)), known.get(number, {})
        found = {**(old["found"] if old.get("pins") == made_with else {}), **each.found}
        known[number] = {"pins": made_with, "found": {row.key: found[row.key] for row in ROWS if row.key in found}}
    ordered = {number: known[number] for number in VERSIONS if number in known}
    record.write_text(json.dumps(ordered, indent=2) + "\n")
    page.write_text(with_table(page.read_text(), table(ordered)))


def stale(record: Mapping[str, Any], page: str) -> list[str]:
    """Return why the record has to be made anew by ``make compat``, in words; nothing if it need not.

    Rows that were not looked at are :func:`missing`.

    :param record: as :func:`read_record` returns it
    :param page: the page with the table
    """
    reasons = [] if list(record) == list(VERSIONS) else [f"it has the versions {list(record)}"]
    for number in record:
        version = Version(number)
        if not version.constraints.exists() or record[number]["pins"] != pins(version):
            reasons.append(f"the pins of {number} are others")
        known = {row.key: row.expected_under(number) for row in ROWS}
        if any(known.get(key) != what for key, what in record[number]["found"].items()):
            reasons.append(f"{number} has other rows")
    if with_table(page, table(record)) != page:
        reasons.append("the page has another table")
    return reasons


def missing(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return which rows were not looked at, by version.

    :param record: as :func:`read_record` returns it
    """
    rows = {number: [row.key for row in ROWS if row.key not in record[number]["found"]] for number in record}
    return {number: keys for number, keys in rows.items() if keys}


def table(record: Mapping[str, Any]) -> str:
    """Return the table of a record, in Markdown.

    :param record: as :func:`read_record` returns it
    """
    lines = [_line(["", *record]), _line(["---"] * (len(record) + 1))]
    for row in ROWS:
        cells = [record[number]["found"].get(row.key, "not run") for number in record]
        lines.append(_line([row.label, *({True: "yes", False: "no"}.get(cell, cell) for cell in cells)]))
    return "\n".join(lines)


def with_table(page: str, made: str) -> str:
    """Return a page with another table between the markers.

    :param page: the page
    :param made: the table
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
