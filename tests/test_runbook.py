"""Each kind of failure has an entry in the runbook, and messages name its address."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_sdk import conf
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.runbook import runbook_entry
from airflow_provider_ekyc.ways_out import WAYS_OUT


def test_the_address_of_an_entry() -> None:
    assert runbook_entry("unknown_outcome") == "docs/runbook.md#unknown_outcome"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("https://wiki.example/ekyc", "https://wiki.example/ekyc#s3"),
        (" https://wiki.example/ekyc#top\n", "https://wiki.example/ekyc#s3"),
        ("", "docs/runbook.md#s3"),
        ("#only", "docs/runbook.md#s3"),
    ],
)
def test_the_runbook_of_a_deployment(option: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__RUNBOOK_URL", option)
    assert runbook_entry("s3") == expected


def test_an_option_that_cannot_be_read_does_not_hide_the_failure(caplog: pytest.LogCaptureFixture) -> None:
    conf.read_dict({"ekyc": {"runbook_url": "%(nothing)s"}})
    try:
        assert runbook_entry("s3") == "docs/runbook.md#s3"
    finally:
        conf.remove_option("ekyc", "runbook_url")
    assert "Option runbook_url of section ekyc can't be read" in caplog.text


@pytest.mark.parametrize("kind", ["", "<script>", "../other", "a" * 41, "s3\nmore"])
def test_a_word_that_is_no_kind(kind: str) -> None:
    assert runbook_entry(kind) == "docs/runbook.md#unexpected"


PAGE = (Path(__file__).parents[1] / "docs" / "runbook.md").read_text()
KINDS_PAGE = (Path(__file__).parents[1] / "docs" / "failures.md").read_text()
ENTRIES = {
    name: text
    for name, text in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    if re.fullmatch(r"[a-z0-9_]+", name)
}
PARTS = ("What it means", "What it cost", "In the UI", "By hand")


def kinds() -> set[str]:
    """Return the kinds of the page on failures, which ``tests/test_airflow_errors.py`` compares with the code."""
    table = KINDS_PAGE.partition("## Kinds")[2].partition("## A callback")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_no_kind_is_missing_and_none_is_too_many() -> None:
    assert kinds() == set(ENTRIES) == set(WAYS_OUT)
    assert len(re.findall(r"^## [a-z0-9_]+$", PAGE, re.MULTILINE)) == len(ENTRIES)


@pytest.mark.parametrize("kind", sorted(WAYS_OUT))
def test_an_entry_begins_with_the_words_of_the_log_and_has_all_parts(kind: str) -> None:
    first, _, rest = ENTRIES[kind].strip().partition("\n")
    assert first == f"> {WAYS_OUT[kind]}"
    assert tuple(re.findall(r"^- \*\*(.+?)\.\*\* \S", rest, re.MULTILINE)) == PARTS


def test_the_page_on_failures_links_to_each_entry() -> None:
    assert set(re.findall(r"\(runbook\.md#(\w+)\)", KINDS_PAGE)) == set(WAYS_OUT)


@pytest.mark.parametrize("page", ["runbook.md", "es/runbook.md"])
def test_a_large_list_is_split_by_an_argument_that_exists(page: str) -> None:
    text = (Path(__file__).parents[1] / "docs" / page).read_text()
    entry = text.partition("\n## too_large\n")[2].partition("\n## ")[0]
    (argument,) = re.findall(r"\[[^\]]+\]\((?:\.\./)?prepare\.md\) \S+ `(\w+)`", entry)
    assert argument in inspect.signature(EkycPrepareNumbersOperator).parameters
