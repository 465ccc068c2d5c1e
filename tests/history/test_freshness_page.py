"""``docs/freshness.md``: its table of examples and its DAG."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_ekyc.history.freshness import find_fresh
from airflow_provider_ekyc.history.windows import Windows
from tests.history.rows import DAY, NOW, Row, Rows, candidates

PAGE = (Path(__file__).parents[2] / "docs" / "freshness.md").read_text()
MEANINGS = {"yes": True, "no": False, "unknown": None}


def examples() -> list[list[str]]:
    table = PAGE.partition("| in the history |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def window(cell: str) -> timedelta | None:
    return None if cell == "-" else int(cell) * DAY


@pytest.mark.parametrize("example", examples(), ids=" ".join)
def test_an_example_is_true(example: list[str]) -> None:
    history, *windows, expected = example
    found = re.findall(r"(yes|no|unknown) (\d+) days? ago", history)
    assert ", ".join(f"{word} {days} day{'s' * (days != '1')} ago" for word, days in found) == history or not found
    assert bool(found) is (history != "nothing")
    rows = [Row("+12025550100", MEANINGS[word], int(days) * DAY) for word, days in found]
    with candidates([12025550100]) as numbers:
        freshness = find_fresh(
            numbers, Rows(rows), Windows(*map(window, windows)), "amazon", NOW, None, count_stale=True
        )
    assert {"fresh": freshness.fresh, "stale": freshness.stale, "new": freshness.new} == {
        name: int(name == expected) for name in ("fresh", "stale", "new")
    }


def test_there_are_examples() -> None:
    assert len(examples()) == 12


def test_the_dag_can_be_parsed() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "freshness.md", "exec"), names)
    assert set(names["dag"].task_ids) == {"prepare", "submit", "wait", "land"}  # type: ignore[attr-defined]
