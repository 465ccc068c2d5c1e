"""``dev/stack/compat/findings.py``: what was found under each version, and the table of ``docs/compat.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dev.stack.compat.findings import (
    BEGIN,
    END,
    PAGE,
    ROWS,
    Findings,
    Row,
    missing,
    pins,
    read_record,
    stale,
    table,
    with_table,
    write_record,
)
from dev.stack.compat.versions import VERSIONS, Version

MADE_UP_PAGE = f"# Before\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n"


def all_that_is_expected() -> dict[str, Any]:
    return {
        number: {"pins": pins(Version(number)), "found": {row.key: row.expected_under(number) for row in ROWS}}
        for number in VERSIONS
    }


def full(number: str) -> Findings:
    findings = Findings(Version(number))
    for row in ROWS:
        findings.note(row.key, row.expected_under(number))
    return findings


def test_the_table_was_made_under_these_versions_pins_and_rows() -> None:
    """If this fails: make compat, for all versions or for those that are named."""
    assert stale(read_record(), PAGE.read_text()) == []


def test_the_page_says_which_rows_were_not_run() -> None:
    record = read_record()
    assert PAGE.read_text().count(" not run |") == sum(map(len, missing(record).values()))


def test_the_check_notices_a_version_pins_a_row_and_a_table_that_are_others() -> None:
    record = all_that_is_expected()
    page = with_table(MADE_UP_PAGE, table(record))
    assert stale(record, page) == []
    assert stale(record, page.replace("| yes |", "| no |", 1)) == ["the page has another table"]
    first, *rest = VERSIONS
    assert stale({number: record[number] for number in rest}, page)[0].startswith("it has the versions")
    assert f"the pins of {first} are others" in stale(record | {first: record[first] | {"pins": "0"}}, page)
    found = record[first]["found"]
    assert f"{first} has other rows" in stale(record | {first: record[first] | {"found": found | {"page": True}}}, page)
    assert f"{first} has other rows" in stale(record | {first: record[first] | {"found": found | {"old": True}}}, page)
    fewer = {key: what for key, what in found.items() if key != "basic"}
    assert missing(record | {first: record[first] | {"found": fewer}}) == {first: ["basic"]}


def test_a_run_of_one_version_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    record, page = tmp_path / "compat.json", tmp_path / "compat.md"
    page.write_text(MADE_UP_PAGE)
    newest, oldest = VERSIONS[-1], VERSIONS[0]
    write_record({newest: full(newest)}, record, page)
    write_record({oldest: full(oldest)}, record, page)
    assert list(json.loads(record.read_text())) == [oldest, newest]
    text = page.read_text()
    assert text.startswith("# Before\n\n")
    assert text.endswith(f"{END}\n\nAfter.\n")
    assert "old\n" not in text
    assert f"|  | {oldest} | {newest} |\n| --- | --- | --- |\n" in text
    assert "| `EKYC_RETRY_POLICY`; None where there is none | no | yes |" in text


def test_what_failed_and_what_is_not_expected_is_wrong() -> None:
    findings = full("3.0.6")
    assert findings.wrong() == []
    findings.note("page", True)
    findings.errors.append("restart: the run is failed")
    assert findings.wrong() == ["restart: the run is failed", "page is True (right: False)"]


def test_rows_of_an_earlier_run_stay_while_the_pins_are_the_same(tmp_path: Path) -> None:
    record, page = tmp_path / "compat.json", tmp_path / "compat.md"
    page.write_text(MADE_UP_PAGE)
    for key in ("restart", "basic"):
        findings = Findings(Version("3.3.2"))
        findings.note(key)
        write_record({"3.3.2": findings}, record, page)
    assert read_record(record)["3.3.2"]["found"] == {"basic": True, "restart": True}
    record.write_text(record.read_text().replace(pins(Version("3.3.2")), "0"))
    write_record({"3.3.2": findings}, record, page)
    assert read_record(record)["3.3.2"]["found"] == {"basic": True}


def test_there_is_nothing_to_note_without_a_row() -> None:
    findings = Findings(Version("3.3.2"))
    with pytest.raises(KeyError):
        findings.note("no such row")


def test_a_row_is_expected_by_minor_version() -> None:
    row = Row("form", "form", {"2.11": "own", "3.0": "general", "3.1": "own"})
    assert [row.expected_under(number) for number in ("2.11.2", "3.0.6", "3.1.8", "3.4.0b2")] == [
        "own",
        "general",
        "own",
        "own",
    ]


def test_each_row_has_a_key_of_its_own() -> None:
    assert len({row.key for row in ROWS}) == len({row.label for row in ROWS}) == len(ROWS)
