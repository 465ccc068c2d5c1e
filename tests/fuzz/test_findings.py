"""A failing input is written for a look, and a smaller one that fails in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.fuzz.findings import Findings
from dev.fuzz.inputs import make_input
from dev.fuzz.model import ArchiveInput, Failure, Input, Verdict


def verdict_of(given: Input, is_wrong: bool) -> tuple[Verdict, str]:
    failures = [Failure("wrong", "another count")] * is_wrong
    return Verdict(given.index, "archives", given.name, failures=failures), "shown"


@pytest.mark.parametrize("index", [0, 9])
def test_a_large_input_becomes_a_small_one_that_fails_as_well(tmp_path: Path, index: int) -> None:
    seed, given = next((seed, made) for seed in range(99) if len((made := make_input(seed, index)).data) > 1_000)

    def try_again(made: Input, again: int) -> tuple[Verdict, str]:
        is_wrong = b"9" in made.data if index == 9 else isinstance(made, ArchiveInput) and made.rows is not None
        return verdict_of(made, is_wrong)

    verdict, shown = try_again(given, 0)
    assert verdict.failures, "another seed"
    Findings(tmp_path, seed, 1).keep(given, verdict, shown, try_again)
    stem = f"{seed}-{index}"
    assert (tmp_path / f"{stem}.bin").read_bytes() == given.data
    assert len((tmp_path / f"{stem}-smaller.bin").read_bytes()) < len(given.data) / 2
    assert "wrong: another count" in (tmp_path / f"{stem}-smaller-archives.txt").read_text()
    assert [name.split(" ")[0] for name in verdict.kept] == [
        str(tmp_path / f"{stem}.bin"),
        str(tmp_path / f"{stem}-smaller.bin"),
    ]


def test_one_kind_of_failure_is_made_smaller_once_and_not_by_one_that_does_not_fail(tmp_path: Path) -> None:
    tried: list[Input] = []

    def try_again(made: Input, again: int) -> tuple[Verdict, str]:
        tried.append(made)
        return verdict_of(made, is_wrong=False)

    given, findings = make_input(1, 0), Findings(tmp_path, 1, 5)
    verdict, shown = verdict_of(given, is_wrong=True)
    findings.keep(given, verdict, shown, try_again)
    assert tried
    assert all(made.name == given.name and len(made.data) < len(given.data) for made in tried)
    assert len(verdict.kept) == 1
    before = len(tried)
    findings.keep(make_input(1, 1), *verdict_of(make_input(1, 1), is_wrong=True), try_again)
    assert len(tried) == before
