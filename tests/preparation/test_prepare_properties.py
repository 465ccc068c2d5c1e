"""What is prepared is what a slow, obvious implementation finds, which looks at one line at a time."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from dev.testing.task_context import TaskInstance, context_of

LEAST, MOST = 3, 11
LINE_ENDS = (b"\n", b"\r\n", b"\r")

#: Forms of one number that are tidied, none of which a line end or another encoding changes.
FORMS = (
    "+{}",
    " +{}\t",
    "00{}",
    "+{} ",
    "tel:+{}",
    "'+{}",
    '"+{}"',
    "+999 ({1}) {2}",
    "+999-{1}.{2}",
    "\ufeff+{}\u200e",
)
#: What is no number for certain: reason, line.
OTHERS = (
    ("other text", "n/a"),
    ("e-mail address", "somebody@example.com"),
    ("scientific notation", "9.99E+12"),
    ("decimal", "9990000000001.0"),
    ("formula", "=A1"),
    ("too long", "9" * 2000),
    ("too many digits", "+9990000000000001"),
    ("no country code", "5550100"),
)
BLANK = ("", " ", "\t \t")


@dataclass
class Expected:
    """What the obvious implementation has found."""

    kept: list[str] = field(default_factory=list)
    rejects: list[tuple[str, int, str]] = field(default_factory=list)
    blank: int = 0
    duplicates: int = 0


Row = tuple[str, str, Any]  #: kind, line, and the number or the reason


def number_of(which: int) -> str:
    return f"999555{which:07d}"


@st.composite
def rows(draw: st.DrawFn) -> Row:
    kind = draw(st.sampled_from(("number", "number", "number", "form", "other", "blank")))
    number = number_of(draw(st.integers(1, 40)))
    if kind == "number":
        return "number", f"+{number}", number
    if kind == "form":
        return "number", draw(st.sampled_from(FORMS)).format(number, number[3:6], number[6:]), number
    if kind == "blank":
        return "blank", draw(st.sampled_from(BLANK)), None
    reason, line = draw(st.sampled_from(OTHERS))
    return "other", line, reason


def look_at_each_line(files: dict[str, list[Row]]) -> Expected:
    expected, seen = Expected(), set()
    for name, lines in files.items():
        for place, (kind, _, value) in enumerate(lines, start=1):
            if kind == "blank":
                expected.blank += 1
            elif kind == "other":
                expected.rejects.append((name, place, value))
            elif value in seen:
                expected.duplicates += 1
            else:
                seen.add(value)
                expected.kept.append(value)
    return expected


@pytest.fixture
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "ekyc", "password": "made-up-key", "extra": {"row_limits": f"amazon={LEAST}-{MOST}"}}
    monkeypatch.setenv("AIRFLOW_CONN_EKYC_DEFAULT", json.dumps(connection))


@pytest.mark.usefixtures("_limits")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lists=st.lists(st.lists(rows(), max_size=30), min_size=1, max_size=3),
    line_end=st.sampled_from(LINE_ENDS),
    has_last_end=st.booleans(),
    most=st.integers(2 * LEAST - 1, MOST),
)
def test_the_result_is_that_of_looking_at_each_line(
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    lists: list[list[Row]],
    line_end: bytes,
    has_last_end: bool,
    most: int,
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    files = {str(folder / f"list-{which}.txt"): lines for which, lines in enumerate(lists)}
    for name, lines in files.items():
        content = line_end.join(line.encode() for _, line, _ in lines)
        # Without a line end a last line that is blank is none.
        ends = has_last_end or (lines and not lines[-1][1])
        Path(name).write_bytes(content + line_end * bool(lines and ends))
    expected = look_at_each_line(files)
    caplog.set_level(logging.INFO)
    caplog.clear()
    ti = TaskInstance()
    operator = EkycPrepareNumbersOperator(
        task_id="prepare",
        numbers=list(files),
        destination_uri=str(folder / "ready"),
        rejects_uri=str(folder / "rejects" / "rejects.csv"),
        normalise=True,
        max_rows=most,
    )
    total = sum(map(len, lists))
    is_empty = not expected.kept and (expected.rejects or expected.blank >= LEAST)
    if 0 < len(expected.kept) < LEAST or is_empty:
        with pytest.raises(AirflowFailException) as failed:
            operator.execute(context_of(ti))
        shown = str(failed.value)
        assert not list((folder / "ready").iterdir())
    else:
        uris = operator.execute(context_of(ti))
        contents = [Path(uri).read_text() for uri in uris]
        assert "".join(contents) == "".join(f"+{number}\n" for number in expected.kept)
        sizes = [content.count("\n") for content in contents]
        assert len(sizes) == -(-len(expected.kept) // most)
        assert not sizes or (min(sizes) >= LEAST and max(sizes) <= most and max(sizes) - min(sizes) <= 1)
        preparation = ti.xcoms["preparation"]
        counted = {name: preparation[name] for name in ("rows_read", "blank", "duplicates", "to_send", "sources")}
        assert counted == {
            "rows_read": total,
            "blank": expected.blank,
            "duplicates": expected.duplicates,
            "to_send": len(expected.kept),
            "sources": len(lists),
        }
        assert preparation["invalid"] == Counter(reason for *_, reason in expected.rejects)
        assert [(file["uri"], file["rows"]) for file in preparation["files"]] == list(zip(uris, sizes, strict=True))
        manifests = [path.read_text() for path in (folder / "ready").glob("manifest-*")]
        assert len(manifests) == bool(uris)
        shown = json.dumps([ti.xcoms, uris, manifests])
    with (folder / "rejects" / "rejects.csv").open(newline="") as file:
        found = [(row["file"], int(row["row"]), row["reason"]) for row in csv.DictReader(file)]
    assert found == expected.rejects
    names = " ".join(str(path) for path in folder.rglob("*"))
    for text in (shown, caplog.text, names):
        assert not re.search(r"9995550|5550100|example\.com", text)
