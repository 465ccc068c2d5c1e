"""A thread that works ahead ends with its reader, and hands over all that it has, its errors too."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from airflow_provider_ekyc.results.read_ahead import read_ahead


def threads() -> int:
    return sum(thread.name.startswith("ekyc-read-ahead") for thread in threading.enumerate())


def test_everything_comes_in_order_from_another_thread() -> None:
    def items() -> Iterator[int]:
        assert threading.current_thread().name.startswith("ekyc-read-ahead")
        yield from range(1000)

    assert list(read_ahead(items(), depth=2)) == list(range(1000))
    assert threads() == 0


def test_an_error_is_raised_where_the_item_would_be() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("made up")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError, match="made up"):
        next(ahead)
    assert threads() == 0


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_a_reader_that_leaves_ends_the_thread(taken: int) -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(10**9):
            made.append(number)
            yield number

    ahead = read_ahead(items(), depth=3)
    for _ in range(taken):
        next(ahead)
    ahead.close()
    assert threads() == 0
    assert len(made) <= taken + 6
