"""What unpacks to far more than it is costs bounded time and memory."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import tracemalloc
import zipfile

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive import unpack
from dev.testing.rare_collections import default_environment
from tests.results.archives import TABLE, check_archive, pack, repeat_entry, with_field

MIB = 1024 * 1024


def repeated(name: str, content: bytes, blocks: int, *, head: bytes = b"") -> bytes:
    """An archive with a member of many equal blocks, and a table; deflate makes a thousandth of them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        with packed.open(name, "w") as member:
            member.write(head)
            for _ in range(blocks):
                member.write(content)
        if not name.endswith((".csv", ".txt")):
            packed.writestr("t.csv", TABLE)
    return target.getvalue()


def refusal(content: bytes) -> str:
    """Refused within bounds; the message."""
    tracemalloc.start()
    try:
        began = time.monotonic()
        with pytest.raises(EkycResultError) as caught:
            check_archive(io.BytesIO(content))
        assert time.monotonic() - began < 15
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    finally:
        tracemalloc.stop()
    return caught.value.message


@pytest.mark.parametrize("name", ["padding.bin", "t.csv", "activated.txt"])
def test_what_unpacks_beyond_the_limit_is_left_at_the_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "UNPACKED_LIMIT", 3 * MIB)
    archive = repeated(name, b"\n" * MIB, 64, head=b"Number,amazon\n" if name.endswith(".csv") else b"")
    assert "unpacks to more than 3,145,728 bytes" in refusal(archive)


@pytest.mark.parametrize("name", ["t.csv", "activated.txt"])
def test_a_line_without_an_end_is_left_after_a_mebibyte(name: str) -> None:
    head = b"Number,amazon\n" if name.endswith(".csv") else b""
    assert "a line of more than 1,048,576 bytes" in refusal(repeated(name, bytes(MIB), 200, head=head))


def test_one_row_of_very_many_fields_is_left_early() -> None:
    # Whether the line or its fields are too many first does not matter.
    assert "Nothing was landed" in refusal(pack({"t.csv": b"Number,amazon\n" + b"," * 5 * MIB}))


def test_more_members_than_any_result_has() -> None:
    assert "has 1,001 members" in refusal(pack({f"{number}.txt": b"" for number in range(1001)}))


def test_a_list_of_members_that_is_larger_than_any() -> None:
    assert "list of members is larger than 1,048,576 bytes" in refusal(
        pack({f"{number:060d}.txt": b"" for number in range(10_000)})
    )


def test_members_that_share_their_bytes() -> None:
    assert "members overlap" in refusal(repeat_entry(repeated("t.csv", b"\n" * MIB, 16, head=b"Number,amazon\n"), 500))


def test_a_size_that_is_a_lie_reserves_nothing() -> None:
    assert "damaged" in refusal(with_field(pack({"t.csv": TABLE}), "size", 2**32 - 2))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit_are_not_begun(method: int) -> None:
    assert "another method" in refusal(pack({"t.csv": bytes(20 * MIB)}, method=method))


MANY_ROWS = """
import io, resource, zipfile
from tests.results.archives import check_archive
block = b"".join(b"+999%010d,%s\\n" % (number, b"no" if number % 4 else b"yes") for number in range(100_000))
target = io.BytesIO()
archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
with archive, archive.open("t.csv", "w") as member:
    member.write(b"Number,amazon\\n")
    for _ in range(BLOCKS):
        member.write(block)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
summary = check_archive(target)
print(summary.rows, summary.yes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_two_million_rows_take_no_more_memory_than_few() -> None:
    # In a process of its own: a peak can't be taken back.
    output = subprocess.run(
        [sys.executable, "-c", MANY_ROWS.replace("BLOCKS", "20")],
        env=default_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows, yes, grown = map(int, output.split())
    assert (rows, yes) == (2_000_000, 500_000)
    assert grown < 8 * 1024  # KiB
