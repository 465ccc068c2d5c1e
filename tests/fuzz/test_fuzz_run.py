"""The fuzz run's short form, and the proof that it can fail. The long form: ``make fuzz``."""

from __future__ import annotations

import functools
import re

from dev.fuzz.inputs import make_input
from dev.fuzz.model import FIGURES, Failure, Verdict
from dev.fuzz.negative_control import SABOTAGES
from dev.fuzz.run import unnoticed
from dev.testing.commands import run_module

run = functools.partial(run_module, "dev.fuzz")


def test_whatever_comes_is_read_rightly_or_refused_within_bounds_and_leaves_no_object() -> None:
    code, printed = run("--count", "300", "--seed", "20261123")
    last = printed.splitlines()[-1]
    zeros = " ".join(f"{figure}=0" for figure in FIGURES)
    assert re.fullmatch(
        rf"fuzz: n=300 archives=180 answers=60 numbers=60 {zeros} peak_mib=\d+ seconds=\d+ (.*)", last
    ), printed
    seen = dict(re.findall(r"(columns|forms|inputs|tls)=(\d+)", last))
    assert len(seen) == 4
    assert min(map(int, seen.values())) >= 10, last
    assert code == 0


def test_readers_that_do_what_none_may_are_caught() -> None:
    code, printed = run("--negative-control", "--seed", "1")
    figures = dict(re.findall(r"(\w+)=(\d+)", printed.splitlines()[-1]))
    assert all(int(figures[figure]) for figure in FIGURES), printed
    assert "The negative control holds." in printed
    assert code == 0
    assert not re.search(r"9994321\d", printed), "no number is printed"
    assert "made-up" not in printed, "no key and no query is printed"
    sizes = re.findall(r"\.bin \(([\d,]+) bytes\), and smaller: \S+-smaller\.bin \(([\d,]+) bytes\)", printed)
    assert sizes, printed
    assert all(int(whole.replace(",", "")) > int(less.replace(",", "")) for whole, less in sizes)


def test_a_sabotage_that_nobody_noticed_is_named() -> None:
    assert unnoticed([]) == [sabotage.name for sabotage in SABOTAGES]
    failures = [Failure("escaped", "KeyError at somewhere:1")]
    caught = Verdict(0, "archives", "any", failures=failures, sabotage="key_error")
    assert "key_error" not in unnoticed([caught])
    assert "drops_a_row" in unnoticed([caught])
    # Of an object in S3 only the index is known.
    in_s3 = Verdict(7, "landing", "in S3", failures=[Failure("left_objects", "an object")])
    assert "lists_first" not in unnoticed([Verdict(7, "archives", "any", sabotage="lists_first"), in_s3])


def test_a_failing_input_can_be_made_again() -> None:
    code, printed = run("--seed", "20261123", "--only", "31")
    assert code == 0
    assert make_input(20261123, 31).name in printed
    assert "fuzz: n=1 " in printed.splitlines()[-1]
