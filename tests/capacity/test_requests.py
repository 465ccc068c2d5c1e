"""The requests that the capacity page counts are those that the operators make, over sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from dev.capacity.figures import MEASURED, S3_REQUESTS
from dev.capacity.plan import uploads
from dev.capacity.requests import BUCKET, LARGE, SMALL, Chain, chain


@pytest.fixture(scope="module")
def running() -> Iterator[Chain]:
    with chain() as started:
        yield started


def figure(name: str) -> int:
    return round(MEASURED[name].value)


def prepared(size: int) -> Counter[str]:
    each = Counter(S3_REQUESTS["prepare, a list"]) + Counter(S3_REQUESTS["prepare, a file"]) + uploads(size)
    each["put"] -= 1  # the file's own, which uploads() has
    return each


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_the_preparation_of_a_list(running: Chain, rows: int) -> None:
    _, calls = running.prepare(f"counted-{rows}", rows)
    assert calls == prepared(14 * rows)


def test_a_submission_with_its_records_in_variables_and_a_landing(running: Chain) -> None:
    for index in range(3):
        file, _ = running.prepare(f"variables-{index}", SMALL)
        counted = running.submit_and_land(file, journal_uri=None, map_index=index)
        assert counted.submit == S3_REQUESTS["submit, a file"]
        assert counted.land == S3_REQUESTS["land, a file"]
        assert counted.api == {"balance": 2, "submit": 1, "status": 1, "result": 1}
        if index:  # the very first submission of a deployment also writes the Variable that shows that they can be read
            assert counted.variables["read"] == figure("variable_reads") + index * figure("earlier_reads")
            assert counted.variables["write"] == figure("variable_writes")


def test_a_submission_with_its_records_in_s3(running: Chain) -> None:
    read = Counter(S3_REQUESTS["submit, a file"])
    for index in range(3):
        file, _ = running.prepare(f"s3-{index}", SMALL)
        counted = running.submit_and_land(file, journal_uri=f"s3://{BUCKET}/journal", map_index=index)
        gets = figure("journal_gets") + index * figure("earlier_reads")
        assert counted.submit == read + Counter(get=gets, put=figure("journal_puts"), list=1)
        if index:
            assert counted.variables["read"] == figure("variable_reads_s3")
            assert counted.variables["write"] == figure("variable_writes_s3")
