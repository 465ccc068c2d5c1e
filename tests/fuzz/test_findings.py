"""A failing input is written for a look, and a smaller one that fails in the same way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dev.fuzz.inputs import dice_of, input_of, make_input
from dev.fuzz.model import ArchiveInput, Failure, Input, NumbersInput, Verdict
from dev.fuzz.smaller import Draw, Exhausted, Findings, Recorded, Replayed, smaller


def test_dice_that_remember_make_the_same_inputs_and_so_do_their_draws() -> None:
    for index in range(40):
        recorded = Recorded(f"3/{index}")
        made = input_of(recorded, index)
        assert made == input_of(dice_of(3, index), index) == input_of(Replayed(recorded.draws), index)


def test_dice_that_have_nothing_left_say_so() -> None:
    with pytest.raises(Exhausted):
        random.Random.sample(Replayed([0, 0, 0]), range(1000), 2)


def test_what_is_smallest_is_found_among_the_choices() -> None:
    def size_of(choices: list[Draw]) -> int | None:
        return len(choices) + sum(map(bool, choices)) if 7 in choices and choices.count(8) > 1 else None

    assert sorted(smaller([*range(50), 8, *range(40)], size_of, tries=1000, seconds=60.0) or []) == [7, 8, 8]


def test_the_search_ends_where_it_must() -> None:
    tried: list[int] = []

    def size_of(choices: list[Draw]) -> int | None:
        tried.append(1)
        return None if len(tried) > 1 else len(choices)

    assert smaller(list(range(10_000)), size_of, tries=20, seconds=60.0) is None
    assert len(tried) == 21
    assert smaller([1, 2], lambda _: 2, tries=20, seconds=-1.0) is None
    assert smaller([1, 2], lambda _: None, tries=20, seconds=60.0) is None, "it does not fail each time"


def judged(given: Input, is_wrong: bool) -> tuple[Verdict, str]:
    return Verdict(given.index, "archives", given.name, failures=[Failure("wrong", "as was said")] * is_wrong), "said"


@pytest.mark.parametrize("index", [0, 9])
def test_an_input_of_many_rows_becomes_one_of_few(tmp_path: Path, index: int) -> None:
    given = next(made for seed in range(99) if len((made := make_input(seed, index)).data) > 1_000)
    seed = next(seed for seed in range(99) if make_input(seed, index) == given)

    def again(made: Input, attempt: int) -> tuple[Verdict, str]:
        if isinstance(made, ArchiveInput):
            return judged(made, is_wrong=made.rows is not None and any(word == "no" for _, word in made.rows))
        return judged(made, is_wrong=isinstance(made, NumbersInput) and b"9" in made.data)

    verdict, shown = again(given, 0)
    assert verdict.failures, "another seed"
    Findings(tmp_path, seed, 1).keep(given, verdict, shown, again)
    stem = f"{seed}-{index}"
    assert (tmp_path / f"{stem}.bin").read_bytes() == given.data
    assert len((tmp_path / f"{stem}-smaller.bin").read_bytes()) < len(given.data) / 2
    assert "wrong: as was said" in (tmp_path / f"{stem}-smaller-archives.txt").read_text()
    assert [name.split(" ")[0] for name in verdict.kept] == [
        str(tmp_path / f"{stem}.bin"),
        str(tmp_path / f"{stem}-smaller.bin"),
    ]


def test_one_kind_of_failure_is_made_smaller_once(tmp_path: Path) -> None:
    attempts: list[int] = []

    def again(made: Input, attempt: int) -> tuple[Verdict, str]:
        attempts.append(attempt)
        return judged(made, is_wrong=False)

    findings = Findings(tmp_path, 1, 5)
    for index in (0, 1):
        findings.keep(make_input(1, index), *judged(make_input(1, index), is_wrong=True), again)
    assert attempts == [1], "it did not fail again, and the second is of the same kind"
