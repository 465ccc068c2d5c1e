"""The sums of a file, against what reading the whole file gives."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.s3.file_sums import Summing, sums_of
from airflow_provider_ekyc.s3.multipart import split


@given(blocks=st.lists(st.binary(max_size=40), max_size=20), part_size=st.integers(1, 50))
def test_the_sums_of_a_file_do_not_depend_on_its_blocks(blocks: list[bytes], part_size: int) -> None:
    content = b"".join(blocks)
    summing = Summing(part_size)
    for block in blocks:
        summing.add(block)
    sums = summing.sums()
    assert sums == sums_of(io.BytesIO(content), part_size)
    assert (sums.size, sums.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    parts = split(sums)
    assert b"".join(content[part.start :][: part.size] for part in parts) == content
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert all(part.size == part_size for part in parts[:-1])
    for part in parts:
        digest = hashlib.sha256(content[part.start :][: part.size]).digest()
        assert base64.b64decode(part.sha256) == digest


def test_what_follows_the_sums_is_added_to_them() -> None:
    summing = Summing(2)
    summing.add(b"abc")
    first = summing.sums()
    summing.add(memoryview(b"de"))
    assert (first, summing.sums()) == (sums_of(io.BytesIO(b"abc"), 2), sums_of(io.BytesIO(b"abcde"), 2))


@pytest.mark.parametrize(
    ("content", "checksum"),
    [
        (b"a", hashlib.sha256(hashlib.sha256(b"a").digest()).digest()),
        (b"ab", hashlib.sha256(hashlib.sha256(b"ab").digest()).digest()),
        (b"abc", hashlib.sha256(hashlib.sha256(b"ab").digest() + hashlib.sha256(b"c").digest()).digest()),
    ],
)
def test_the_sum_of_the_parts_is_written_as_s3_does(content: bytes, checksum: bytes) -> None:
    count = 2 if len(content) > 2 else 1
    assert sums_of(io.BytesIO(content), 2).of_parts == f"{base64.b64encode(checksum).decode()}-{count}"
