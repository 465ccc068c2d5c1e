"""A key of a set of numbers: the same for any order, another for any other set."""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.numbers.prepare import prepared_numbers

NUMBERS = st.sets(st.integers(10, 10**15 - 1), max_size=40)
LINES = [b"+999%09d" % (number * 1_234_567 % 10**9) for number in range(10_000)]
WORD = 1 << 64


def key_of(*batches: list[int]) -> str:
    content_key = ContentKey()
    for batch in batches:
        content_key.add(np.array(batch, np.uint64))
    return content_key.hexdigest()


def by_hand(lines: set[bytes]) -> str:
    """The same key in plain integers."""
    sums = [0] * 8
    for line in lines:
        digits = line.removeprefix(b"+")
        if digits.isdigit() and 2 <= len(digits) <= 15 and not digits.startswith(b"0"):
            lanes = [splitmix64(int(digits) + (lane + 1) * 0x9E3779B97F4A7C15) for lane in range(8)]
        else:
            digest = hashlib.blake2b(line).digest()
            lanes = [int.from_bytes(digest[place : place + 8], "little") for place in range(0, 64, 8)]
        sums = [(old + new) % WORD for old, new in zip(sums, lanes, strict=True)]
    return hashlib.sha256(" ".join(map(str, (len(lines), *sums))).encode()).hexdigest()[:32]


def splitmix64(state: int) -> int:
    state %= WORD
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % WORD
    state = (state ^ state >> 27) * 0x94D049BB133111EB % WORD
    return state ^ state >> 31


def prepared_key(lines: list[bytes], *, check: bool = True) -> str:
    data = b"".join(line + b"\n" for line in lines)
    with prepared_numbers(io.BytesIO(data), min_rows=0, block_bytes=4096, check=check) as prepared:
        return prepared.content_key


@given(numbers=NUMBERS, other=NUMBERS, cut=st.integers(0, 40), order=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_two_sets_share_a_key_if_they_are_the_same(
    numbers: set[int], other: set[int], cut: int, order: random.Random
) -> None:
    listed = sorted(numbers)
    shuffled = listed.copy()
    order.shuffle(shuffled)
    assert key_of(listed) == key_of(shuffled[:cut], shuffled[cut:])
    assert (key_of(listed) == key_of(sorted(other))) == (numbers == other)


def test_the_key_of_a_list_stays_the_same_from_version_to_version() -> None:
    assert key_of([999_000_000_000, 999_000_000_001]) == by_hand({b"999000000000", b"999000000001"})
    assert key_of([999_000_000_000, 999_000_000_001]) == "09f08e1f8f0f54afccd8b1bb9f11ead2"
    assert len(key_of([])) == 32


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("rows", "key"),
    [
        (200, "cb1568bad9b833fa2e293c687d95e871"),
        (20_000, "46341019be4dd0da7b32ea6af6504012"),
        (300_000, "cd3fd13b04c4ff30e0f98348cdc27286"),
    ],
)
def test_the_key_of_a_prepared_list_stays_the_same_too_however_it_is_partitioned(
    rows: int, key: str, check: bool
) -> None:
    assert prepared_key([b"+999%09d" % (row * 7919 % 10**9) for row in range(rows)], check=check) == key


def test_blocks_of_any_length_add_up() -> None:
    keys = np.arange(100_000, dtype=np.uint64) + np.uint64(999 * 10**9)
    kept = keys.copy()
    whole, parts = ContentKey(), ContentKey()
    whole.add(keys)
    for part in np.array_split(keys[::-1], 7):
        parts.add(part)
    assert whole.hexdigest() == parts.hexdigest()
    assert (keys == kept).all(), "the caller's numbers were changed"


@given(
    st.sets(
        st.one_of(
            st.integers(10, 10**15 - 1).map(lambda number: b"+%d" % number),
            st.sampled_from([b"12", b"+1", b"+012", b"+1234567890123456", b"a@mail.example", b"+12\x0b", b"+12 34"]),
        ),
        max_size=30,
    )
)
@settings(max_examples=200, deadline=None)
def test_lines_count_as_numbers_or_as_what_they_are(lines: set[bytes]) -> None:
    content_key = ContentKey()
    for line in lines:
        content_key.add_lines(line + b"\n")
    whole = ContentKey()
    whole.add_lines(b"".join(line + b"\n" for line in lines))
    assert content_key.hexdigest() == whole.hexdigest() == by_hand(lines)


def test_a_number_counts_with_and_without_its_plus_and_texts_are_added_in_any_batches() -> None:
    assert read_keys(b"+999123456789\n")[0].tolist() == read_keys(b"999123456789\n")[0].tolist()
    texts = [b"%d@mail.example" % number for number in range(20_000)]
    whole, parts = ContentKey(), ContentKey()
    whole.add_texts(iter(texts))
    parts.add_texts(texts[7:])
    parts.add_texts(texts[:7])
    assert whole.hexdigest() == parts.hexdigest() == by_hand(set(texts))


def test_the_difference_of_two_keys_does_not_show_a_number() -> None:
    keys = list(range(10, 20))
    difference = (int(key_of(keys), 16) - int(key_of(keys[:-1]), 16)) % 2**128
    assert difference != int(key_of(keys[-1:]), 16)


def test_another_order_is_the_same_submission_though_it_is_another_file() -> None:
    shuffled = LINES.copy()
    random.Random(11).shuffle(shuffled)
    digests: Counter[str] = Counter()
    for lines in (LINES, shuffled):
        with prepared_numbers(io.BytesIO(b"\n".join(lines))) as prepared:
            digests[prepared.content_key] += 1
            digests[prepared.sha256] += 1
    assert sorted(digests.values()) == [1, 1, 2]
    assert digests[by_hand(set(LINES))] == 2


@pytest.mark.parametrize("check", [True, False])
def test_duplicates_blank_lines_and_the_check_do_not_change_it(check: bool) -> None:
    spelled_otherwise = [each for line in LINES for each in (b" " + line + b"\t\r", b"")]
    assert prepared_key([*spelled_otherwise, *LINES[::3]], check=check) == by_hand(set(LINES))


def test_one_number_more_less_or_other_changes_it() -> None:
    lists = (LINES, LINES[:-1], [*LINES, b"+12025550100"], [*LINES[:-1], b"+12025550100"], [])
    assert len({prepared_key(lines) for lines in lists}) == len(lists)
