"""The Spanish pages say as much as the English ones: the same entries, parts, code blocks and links."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ekyc.ways_out import WAYS_OUT
from tests.documentation.blocks import ROOT, blocks_of

SPANISH = ROOT / "docs" / "es"
PAGES = sorted(page.name for page in SPANISH.glob("*.md"))
PARTS = ("Qué significa", "Qué ha costado", "En la interfaz", "A mano")
#: What each page has, that the other language does not need.
OF_ONE_LANGUAGE = {"../runbook.md", "../start.md", "es/runbook.md", "es/start.md", "runbook.md"}


def text_of(name: str, *, spanish: bool) -> str:
    return ((SPANISH if spanish else ROOT / "docs") / name).read_text(encoding="utf-8")


def targets(text: str) -> set[str]:
    """Return where a page's links lead, seen from ``docs/``."""
    found = {link.removeprefix("../") for link in re.findall(r"\]\(([^)]+)\)", text)}
    return found - {link.removeprefix("../") for link in OF_ONE_LANGUAGE}


def test_there_are_two() -> None:
    assert PAGES == ["runbook.md", "start.md"]


@pytest.mark.parametrize("name", PAGES)
def test_code_blocks_are_the_same(name: str) -> None:
    assert [(block.info, block.code) for block in blocks_of(SPANISH / name)] == [
        (block.info, block.code) for block in blocks_of(ROOT / "docs" / name)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_the_same_pages(name: str) -> None:
    assert targets(text_of(name, spanish=True)) == targets(text_of(name, spanish=False))


@pytest.mark.parametrize("name", PAGES)
def test_chapters_are_as_many_and_in_the_same_order(name: str) -> None:
    levels = [re.findall(r"^#+(?= )", text_of(name, spanish=spanish), re.MULTILINE) for spanish in (True, False)]
    assert levels[0] == levels[1]


def entries(*, spanish: bool) -> dict[str, str]:
    """Return the entries of a runbook by kind, in their order."""
    found = re.split(r"^## ([a-z0-9_]+)\n", text_of("runbook.md", spanish=spanish), flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_entries_are_the_same_in_the_same_order() -> None:
    assert list(entries(spanish=True)) == list(entries(spanish=False))
    assert set(entries(spanish=True)) == set(WAYS_OUT)


@pytest.mark.parametrize("kind", sorted(WAYS_OUT))
def test_an_entry_has_the_words_of_the_log_all_parts_and_the_same_code(kind: str) -> None:
    ours, theirs = entries(spanish=True)[kind], entries(spanish=False)[kind]
    words, _, rest = ours.strip().partition("\n>\n> ")
    assert words == f"> {WAYS_OUT[kind]}"
    assert tuple(re.findall(r"^- \*\*(.+?)\.\*\* \S", rest, re.MULTILINE)) == PARTS
    # Names, commands and places of the UI stand in both.
    pattern = r"(?<!`)`([^`\n]+)`(?!`)|\*(Admin → \w+|Test|Rendered Templates|Needs you)\*"
    assert sorted(map("".join, re.findall(pattern, rest))) == sorted(map("".join, re.findall(pattern, theirs)))
