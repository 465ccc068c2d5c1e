"""``plugins/static/chart_layout.js``: where the bars of the chart are."""

from __future__ import annotations

import pytest

from tests.page.conftest import Run

BOX = {"width": 300, "height": 100}


def test_days_without_a_submission_have_their_place(run: Run) -> None:
    days = [{"day": "2026-11-26", "rows": 1}, {"day": "2026-11-01", "rows": 2}]
    filled = run("chart_layout", "filled($0).map((each) => each.day)", days)
    assert filled[0] == "2026-11-01"
    assert filled[-1] == "2026-11-26"
    assert len(filled) == 26


def test_one_day_is_shown_among_two_weeks_and_a_year_as_its_last_quarter(run: Run) -> None:
    assert len(run("chart_layout", "filled($0)", [{"day": "2026-11-26"}])) == 14
    assert len(run("chart_layout", "filled($0)", [{"day": "2026-11-26"}, {"day": "2025-11-26"}])) == 92
    assert run("chart_layout", "filled([])") == []


def test_what_has_no_answer_yet_is_the_rest(run: Run) -> None:
    assert run("chart_layout", "partsOf($0)", {"rows": 10, "yes": 3, "no": 2, "unknown": None}) == {
        "yes": 3,
        "no": 2,
        "unknown": 0,
        "not_processed": 0,
        "rest": 5,
    }


def test_the_highest_day_fills_the_box_and_parts_stand_on_each_other(run: Run) -> None:
    days = [{"day": "2026-11-25", "rows": 50, "yes": 50}, {"day": "2026-11-26", "rows": 100, "yes": 25, "no": 75}]
    made = run("chart_layout", "layout($0, $1)", days, BOX)
    assert made["top"] == 100
    *_, lower, highest = made["bars"]
    assert [(part["name"], part["y"], part["height"]) for part in highest["parts"]] == [("yes", 75, 25), ("no", 0, 75)]
    assert lower["parts"] == [{"name": "yes", "y": 50, "height": 50}]


def test_bars_do_not_overlap_and_stay_in_the_box(run: Run) -> None:
    days = [{"day": f"2026-{month:02}-{day:02}", "rows": day} for month in (9, 10, 11) for day in range(1, 31)]
    bars = run("chart_layout", "layout($0, $1)", days, BOX)["bars"]
    ends = [bar["x"] + bar["width"] for bar in bars]
    assert all(end <= following["x"] + 1e-9 for end, following in zip(ends, bars[1:], strict=False))
    assert ends[-1] <= BOX["width"]
    assert all(bar["width"] > 0 for bar in bars)


@pytest.mark.parametrize("rows", [0, None])
def test_days_without_rows_have_no_bars(run: Run, rows: int | None) -> None:
    made = run("chart_layout", "layout($0, $1)", [{"day": "2026-11-26", "rows": rows}], BOX)
    assert all(bar["parts"] == [] for bar in made["bars"])
