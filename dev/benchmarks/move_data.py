"""
The result archives that moves are measured on, made once a machine into ``build/bench-data/``.

One zip holds one member, ``amazon.csv``, as the API page documents it. Its rows: :mod:`dev.benchmarks.move_rows`.

    python -m dev.benchmarks.move_data [60mb 557mb ...]
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.benchmarks.move_rows import HEADER, Rows

FOLDER = Path(__file__).parents[2] / "build" / "bench-data"
MEMBER = "amazon.csv"
#: Bytes of a row in a zip and beside it, at the most: to know whether there is room.
ROW_BYTES = 8
#: Rows that the API accepts in one submission; archives up to that have a list of their numbers too.
API_ROWS = 10_000_000
#: Above that the table has 4 GiB and more, and its zip must be a ZIP64.
ZIP64_ROWS = 200_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """
    An archive to make.

    :param name: as figures name it
    :param rows: numbers in it
    :param level: of deflate, 1 to 9; what the vendor uses is unknown
    """

    name: str
    rows: int
    level: int


SIZES = {
    size.name: size
    for size in (
        Size("warm", 1_000, 6),
        Size("quick", 500_000, 6),
        Size("60mb", API_ROWS, 6),
        Size("557mb", 87_000_000, 1),
        Size("2200mb", 345_000_000, 1),
    )
}


@dataclass(frozen=True, slots=True)
class Archive:
    """
    An archive on disk.

    :param path: the zip
    :param numbers_path: its numbers alone, one a line, in another order; not there above ``API_ROWS``
    :param numbers_sha256: hex digest of that list, or None
    :param size: bytes of the zip
    :param sha256: hex digest of the zip
    :param csv_size: bytes of the member, unpacked
    :param csv_sha256: hex digest of the member, unpacked
    """

    name: str
    path: Path
    numbers_path: Path
    rows: int
    yes: int
    size: int
    sha256: str
    csv_size: int
    csv_sha256: str
    numbers_sha256: str | None


class NoRoom(Exception):
    """The disk has too little space; the message says how much is needed."""


def archive(size: Size, folder: Path = FOLDER) -> Archive:
    """
    Return the archive, made and tested if it is not there yet.

    :raises NoRoom: if the disk is too small for it and for the copies that a move may need
    """
    stem = f"{size.name}-{size.rows}-{size.level}"
    manifest = folder / f"{stem}.json"
    path, numbers_path = folder / f"{stem}.zip", folder / f"{stem}.txt"
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(folder).free, 3 * size.rows * ROW_BYTES + 2**30
        if free < needed:
            raise NoRoom(f"{size.name}: {free / 2**30:.1f} GiB free of the {needed / 2**30:.1f} GiB it needs")
        rows = Rows()
        found = write_zip(path, rows.table(size.rows), size.level, zip64=size.rows > ZIP64_ROWS)
        found["numbers_sha256"] = None
        if size.rows <= API_ROWS:
            found["numbers_sha256"] = write_numbers(numbers_path, rows.numbers(size.rows))
        part = manifest.with_suffix(".part")
        part.write_text(json.dumps({"name": size.name, "rows": size.rows, **found}))
        part.replace(manifest)  # last, so that what is incomplete is made anew
    return Archive(path=path, numbers_path=numbers_path, **json.loads(manifest.read_text()))


def write_zip(path: Path, blocks: Iterable[bytes], level: int, *, zip64: bool = False) -> dict[str, Any]:
    """
    Write an archive with one table, and have zipfile read it back.

    :param blocks: the table's rows
    :param level: of deflate
    :param zip64: whether the table may have 4 GiB and more
    :return: size, digest, unpacked size, unpacked digest and yes rows
    """
    unpacked, csv_size, yes = hashlib.sha256(HEADER), len(HEADER), 0
    member = zipfile.ZipInfo(MEMBER, date_time=(2025, 11, 21, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    # The level of a member given as ZipInfo is read from here; there is no public way before Python 3.13.
    member._compresslevel = level  # type: ignore[attr-defined]  # typeshed leaves private names out
    with zipfile.ZipFile(path, "w") as made, made.open(member, "w", force_zip64=zip64) as stream:
        stream.write(HEADER)
        for block in blocks:
            stream.write(block)
            unpacked.update(block)
            csv_size += len(block)
            yes += block.count(b"y")
    with zipfile.ZipFile(path) as made:
        if made.testzip() is not None or made.getinfo(MEMBER).file_size != csv_size:
            raise ValueError(f"{path.name} was not written as it should be")
    with path.open("rb") as file:
        packed = hashlib.file_digest(file, "sha256")
    return {
        "yes": yes,
        "size": path.stat().st_size,
        "sha256": packed.hexdigest(),
        "csv_size": csv_size,
        "csv_sha256": unpacked.hexdigest(),
    }


def write_numbers(path: Path, blocks: Iterable[bytes]) -> str:
    """
    Write a list of numbers.

    :return: hex digest of it
    """
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def main() -> int:
    """Make the archives that are named, or all."""
    for name in sys.argv[1:] or SIZES:
        begun = time.perf_counter()
        made = archive(SIZES[name])
        print(
            f"{made.path.name}: {made.rows:,} rows, {made.size:,} bytes, {made.csv_size:,} unpacked, "
            f"SHA-256 {made.sha256} ({time.perf_counter() - begun:.1f} s)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
