"""Which ranges are requested, and what their answers are: ``results/byte_ranges.py`` and the heads of answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_ekyc.api.result_stream import ResultHead, read_result_head
from airflow_provider_ekyc.exceptions import EkycServerError
from airflow_provider_ekyc.results.byte_ranges import (
    TAIL,
    ByteRange,
    Fit,
    Version,
    fit,
    further_ranges,
    is_end,
    is_same_version,
    is_whole,
    knows_ranges,
    tail_start,
    version_in,
)

MIB = 1024**2
HEAD = ResultHead(start=100, end=200, length=1_000, etag='"a"')
WANTED = ByteRange(100, 200)
VERSION = Version('"a"', 1_000)


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1, 8 * MIB + TAIL, 16 * MIB + 7, 60_000_000, 83_886_080_000])
@pytest.mark.parametrize("connections", [1, 2, 8, 32])
def test_ranges_follow_one_another_to_the_end(size: int, connections: int) -> None:
    ranges = further_ranges(size, 8 * MIB, connections)
    at = min(size, 8 * MIB)
    for one in ranges:
        assert one.at == at < (one.end or 0)
        at = one.end or 0
        assert connections == 1 or at - one.at <= 8 * MIB
    assert at == size
    if ranges:
        assert size - ranges[-1].at == min(TAIL, size - 8 * MIB)
        assert ranges[-1].at == tail_start(size, 8 * MIB)
    assert connections > 1 or len(ranges) <= 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Fit.SAME),
        ({"etag": '"b"'}, Fit.CHANGED),
        ({"etag": 'W/"a"'}, Fit.CHANGED),
        ({"length": 1_001}, Fit.CHANGED),
        ({"length": 1_001, "end": None, "start": 0}, Fit.CHANGED),
        ({"end": None, "start": 0}, Fit.OTHER),
        ({"start": 99}, Fit.OTHER),
        ({"end": 199}, Fit.OTHER),
        ({"end": 201}, Fit.OTHER),
        ({"etag": None}, Fit.OTHER),
        ({"length": None}, Fit.OTHER),
    ],
)
def test_only_the_range_of_the_same_version_fits(change: dict[str, object], expected: Fit) -> None:
    assert fit(replace(HEAD, **change), WANTED, VERSION) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ResultHead(0, 100, 1_000, '"a"'), True),
        (ResultHead(0, 60, 60, '"a"'), True),
        (ResultHead(0, 60, 1_000, '"a"'), False),
        (ResultHead(0, 101, 1_000, '"a"'), False),
        (ResultHead(1, 100, 1_000, '"a"'), False),
        (ResultHead(0, None, 1_000, '"a"'), False),
        (ResultHead(0, 100, None, '"a"'), False),
        (ResultHead(0, 100, 1_000, None), False),
        (ResultHead(0, 100, 1_000, 'W/"a"'), False),
        (ResultHead(0, 100, 1_000, "a"), False),
    ],
)
def test_ranges_need_a_strong_etag_a_total_and_the_first_range(head: ResultHead, expected: bool) -> None:
    assert knows_ranges(head, ByteRange(0, 100)) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ResultHead(900, 1_000, 1_000, '"a"'), True),
        (ResultHead(0, 60, 60, '"a"'), True),
        (ResultHead(899, 1_000, 1_000, '"a"'), False),
        (ResultHead(899, 999, 1_000, '"a"'), False),
        (ResultHead(900, 1_000, None, '"a"'), False),
        (ResultHead(0, None, 100, '"a"'), False),
        (ResultHead(0, None, None, None), False),
    ],
)
def test_the_end_is_the_bytes_that_were_requested(head: ResultHead, expected: bool) -> None:
    assert is_end(head, 100) is expected


def test_a_whole_object_and_its_version() -> None:
    whole = ResultHead(0, None, 10, '"a"')
    assert is_whole(whole)
    assert is_whole(ResultHead(0, 10, 10, None))
    assert not is_whole(ResultHead(0, 9, 10, None))
    assert not is_whole(ResultHead(1, None, 10, None))
    assert is_same_version(whole, Version('"a"', 10))
    assert is_same_version(whole, Version('"a"', None))
    assert not is_same_version(whole, Version('"a"', 11))
    assert not is_same_version(whole, Version())
    assert not is_same_version(ResultHead(0, None, 10, 'W/"a"'), Version('W/"a"', 10))


def test_the_version_of_an_answer_is_its_strong_etag_and_its_size() -> None:
    assert version_in(ResultHead(0, 10, 30, '"a"')) == Version('"a"', 30)
    assert version_in(ResultHead(0, 10, None, '"a"')) == Version('"a"', None)
    assert version_in(ResultHead(0, None, 30, 'W/"a"')) == Version(None, 30)


@pytest.mark.parametrize(
    ("status", "headers", "head"),
    [
        (206, {"Content-Range": "bytes 5-9/20", "ETag": '"a"'}, ResultHead(5, 10, 20, '"a"')),
        (206, {"content-range": "bytes 5-9/*"}, ResultHead(5, 10, None, None)),
        (200, {"Content-Length": "20", "ETag": ""}, ResultHead(0, None, 20, None)),
        (200, {"Content-Length": "x"}, ResultHead(0, None, None, None)),
    ],
)
def test_the_head_of_an_answer(status: int, headers: dict[str, str], head: ResultHead) -> None:
    assert read_result_head(status, headers) == head


@pytest.mark.parametrize("value", ["", "bytes */20", "bytes 5-/20", "lines 1-2/3", "bytes 5-9"])
def test_a_part_that_does_not_say_which_is_refused(value: str) -> None:
    with pytest.raises(EkycServerError, match="did not say which"):
        read_result_head(206, {"Content-Range": value})
