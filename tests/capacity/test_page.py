"""The tables of docs/capacity.md are those of ``python -m dev.capacity``, and its figures those of the pages named."""

from __future__ import annotations

import re

import pytest

from dev.capacity.__main__ import PAGE, filled, main
from dev.capacity.figures import MEASURED
from dev.capacity.tables import report


def test_the_tables_of_the_page_are_those_of_the_command() -> None:
    page = PAGE.read_text()
    assert filled(page, report()) == page, "run: python -m dev.capacity --write"


@pytest.mark.parametrize("page", ["no place at all", "<!-- capacity: one -->", "<!-- capacity: two -->\n<!-- end -->"])
def test_a_page_without_the_place_of_a_table_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="place"):
        filled(page, {"one": "| a table |"})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "prepare_cpu",
            "| `EkycPrepareNumbersOperator`'s way | 1.95 [1.93-2.47] | 0.26 [0.25-0.32] | 0.39 [0.39-0.50] | 2.58 |",
        ),
        ("prepare_wall", "`EkycPrepareNumbersOperator`'s way | 1.95 "),
        ("prepare_memory", "`EkycPrepareNumbersOperator`'s way .* \\| 2.58 \\| 95 \\|"),
        ("prepare_memory_50m", "`EkycPrepareNumbersOperator`'s way .* \\| 10.26 \\| 173 \\|"),
        ("submit_cpu", "`EkycSubmitOperator`'s pass .* \\| 1.88 \\|"),
        ("submit_wall", "`EkycSubmitOperator`'s pass \\| 1.54 "),
        ("submit_memory", "`EkycSubmitOperator`'s pass .* \\| 1.88 \\| 80 \\|"),
        ("land_cpu", "ours, against the task's figures \\| 1.93 .* \\| 2.51 \\|"),
        ("land_wall", "ours, against the task's figures \\| 1.93 "),
        ("land_memory", "ours, against the task's figures \\| 1.93 .* \\| 181 \\| 171 \\| 1.71 \\|"),
        ("fresh_cpu", "ours \\| 5.63 .* \\| 9.90 \\| 241 \\|"),
    ],
)
def test_a_measured_figure_is_one_of_the_benchmarks_page(name: str, shown: str) -> None:
    benchmarks = PAGE.with_name("benchmarks.md").read_text()
    pattern = re.escape(shown) if "[" in shown else shown
    assert re.search(pattern, benchmarks), f"measured again: enter {name} in dev/capacity/figures.py"
    digits = f"{MEASURED[name].value:g}".replace(".", "").strip("0")
    assert digits in re.sub(r"[.]", "", shown)


def test_a_day_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--numbers 50000000 --file-rows 1000000 --places 16 --remote-hours 3 --price 0.002 --variables"
    assert main(arguments.split()) == 0
    shown = capsys.readouterr().out
    assert "| lists (runs of `verify_numbers`) | 5 |" in shown
    assert "| files, submissions, remote tasks | 50 |" in shown
    assert "| money, at 0.002 a number | 100,000 |" in shown
