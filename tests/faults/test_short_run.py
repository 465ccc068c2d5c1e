"""The fault run's short form, without a scheduler, and the proof that it can fail. The long form: ``make faults``."""

from __future__ import annotations

import functools
import re

from dev.faults.points import POINTS
from dev.testing.commands import run_module

run = functools.partial(run_module, "dev.faults")


def test_nothing_is_paid_twice_lost_or_partial_whatever_is_killed() -> None:
    code, printed = run("--short", "--count", "40", "--seed", "20261123")
    last = printed.splitlines()[-1]
    nothing = "double_charges=0 silent_losses=0 partial_objects=0 off_table=0 table_rows_lost=0 table_rows_twice=0"
    assert last == f"faults: n=47 {nothing}", printed
    assert code == 0


def test_every_kill_point_is_reached() -> None:
    code, printed = run("--points")
    assert (code, printed) == (0, f"points: n={len(POINTS)} never_reached=0\n")


def test_with_the_safeguards_switched_off_every_figure_rises() -> None:
    code, printed = run("--negative-control")
    figures = dict(re.findall(r"(\w+)=(\d+)", printed.splitlines()[-1]))
    assert int(figures["double_charges"]) >= 4, printed
    assert all(int(figures[name]) for name in ("silent_losses", "partial_objects", "off_table")), printed
    assert (figures["table_rows_lost"], figures["table_rows_twice"]) == ("120", "120"), printed
    assert code == 0
    assert not re.search(r"999\d{10}", printed), "no number is printed"
    assert "made-up" not in printed, "no key is printed"
