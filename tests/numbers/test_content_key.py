"""A key of a set of numbers: the same for any order, another for any other set."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.numbers.content_key import ContentKey, text_keys
from airflow_provider_ekyc.results.number_keys import read_keys

NUMBERS = st.sets(st.integers(10, 10**15 - 1), max_size=40)


def key_of(*batches: list[int]) -> str:
    content_key = ContentKey()
    for batch in batches:
        content_key.add(np.array(batch, np.uint64))
    return content_key.hexdigest()


@given(numbers=NUMBERS, other=NUMBERS, cut=st.integers(0, 40), order=st.randoms())
@settings(max_examples=300, deadline=None)
def test_two_sets_share_a_key_if_they_are_the_same(numbers: set[int], other: set[int], cut: int, order: object) -> None:
    listed = sorted(numbers)
    shuffled = listed[::-1]
    assert key_of(listed) == key_of(shuffled[:cut], shuffled[cut:])
    assert (key_of(listed) == key_of(sorted(other))) == (numbers == other)


def test_the_key_of_a_list_stays_the_same_from_version_to_version() -> None:
    assert key_of([999_000_000_000, 999_000_000_001]) == "8ff3ea1c2e8594cfb2a7ac28b59d930e"
    assert len(key_of([])) == 32


def test_blocks_of_any_length_add_up() -> None:
    keys = np.arange(100_000, dtype=np.uint64) + np.uint64(999 * 10**9)
    whole, parts = ContentKey(), ContentKey()
    whole.add(keys)
    for part in np.array_split(keys[::-1], 7):
        parts.add(part)
    assert whole.hexdigest() == parts.hexdigest()


def test_a_number_counts_with_and_without_its_plus_and_a_text_is_never_a_number() -> None:
    assert read_keys(b"+999123456789\n")[0].tolist() == read_keys(b"999123456789\n")[0].tolist()
    keys = text_keys([b"a@mail.example", b"b@mail.example", b"a@mail.example", b""])
    assert keys[0] == keys[2] != keys[1]
    assert all(2**61 <= int(key) < 2**62 for key in keys)


def test_the_difference_of_two_keys_does_not_show_a_number() -> None:
    short, long = ContentKey(), ContentKey()
    keys = np.arange(10, 20, dtype=np.uint64)
    short.add(keys[:-1])
    long.add(keys)
    lone = ContentKey()
    lone.add(keys[-1:])
    difference = (int(long.hexdigest(), 16) - int(short.hexdigest(), 16)) % 2**128
    assert difference != int(lone.hexdigest(), 16)
