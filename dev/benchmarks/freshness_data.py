"""
The history and the candidates that freshness is measured on, made once a machine into ``build/bench-data/``.

The history: Parquet files as ``EkycResultsToS3Operator`` lands them, made by its own writer, of the rows of
:mod:`dev.benchmarks.move_rows`. The candidates: one number a line in no order; 64 % of them are in the history.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output.convert import convert
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.output.parquet import PARQUET
from airflow_provider_ekyc.spool import spool_file
from dev.benchmarks.move_data import FOLDER, MEMBER, NoRoom
from dev.benchmarks.move_rows import BLOCK_ROWS, HEADER, Rows

SEED = 20251121
#: When the first file was verified; each further one an hour later.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FILES_PER_BLOCK = 3
#: Bytes of a row in Parquet, and of a number in each of the files that a method makes, at the most.
ROW_BYTES, NUMBER_BYTES = 7, 14


@dataclass(frozen=True, slots=True)
class History:
    """
    A history and candidates on disk.

    :param name: as figures name it
    :param blocks: of 1,000,000 rows in the history; each is three files
    :param known: candidates of each block
    :param new: candidates that are not in the history
    """

    name: str
    blocks: int
    known: int
    new: int

    @property
    def folder(self) -> Path:
        """Where the files are, once they are made."""
        return FOLDER / f"fresh-{self.name}-{self.blocks}-{self.known}-{self.new}"

    @property
    def candidates(self) -> Path:
        """The list of candidates."""
        return self.folder / "candidates.txt"

    @property
    def files(self) -> Path:
        """The folder of the history."""
        return self.folder / "history"

    @property
    def now(self) -> datetime:
        """When the last file was verified."""
        return FIRST + timedelta(hours=self.blocks * FILES_PER_BLOCK)

    @property
    def rows(self) -> int:
        """Rows of the history."""
        return self.blocks * BLOCK_ROWS

    @property
    def lines(self) -> int:
        """How many candidates there are."""
        return self.blocks * self.known + self.new


HISTORIES = {
    made.name: made for made in (History("quick", 3, 22_000, 34_000), History("10m_of_100m", 100, 64_000, 3_600_000))
}


def history(name: str) -> History:
    """
    Return a history, made if it is not there yet.

    :raises NoRoom: if the disk is too small for it and for what the methods write
    """
    made = HISTORIES[name]
    manifest = made.folder / "made.json"
    if not manifest.exists():
        made.files.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(made.folder).free
        needed = made.rows * ROW_BYTES + 10 * made.lines * NUMBER_BYTES + 2**30
        if free < needed:
            raise NoRoom(f"fresh_{made.name}: {free / 2**30:.1f} GiB free of the {needed / 2**30:.1f} GiB it needs")
        _write(made)
        part = manifest.with_suffix(".part")
        part.write_text(json.dumps({"rows": made.rows, "candidates": made.lines}))
        part.replace(manifest)  # last, so that what is incomplete is made anew
    return made


def _write(made: History) -> None:
    new_blocks = -(-made.new // BLOCK_ROWS)
    tables = Rows().table((made.blocks + new_blocks) * BLOCK_ROWS)
    candidates = []
    for block, table in zip(range(made.blocks), tables, strict=False):
        candidates.append(_first_numbers(table, made.known))
        for place, part in enumerate(_cut(table)):
            file = block * FILES_PER_BLOCK + place
            (made.files / f"part-{file:03}.parquet").write_bytes(landed(part, FIRST + timedelta(hours=file)))
    left = made.new
    for table in tables:
        candidates.append(_first_numbers(table, min(left, BLOCK_ROWS)))
        left -= len(candidates[-1])
    lines = np.concatenate(candidates)
    np.random.default_rng(SEED).shuffle(lines)
    made.candidates.write_bytes(lines.tobytes())


def _first_numbers(table: bytes, count: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return the first numbers of a table, each with a line end; all are of one length."""
    size = table.index(b",")
    text = b"".join(line[:size] + b"\n" for line in table.split(b"\n", count)[:count])
    return np.frombuffer(text, f"V{size + 1}")


def _cut(table: bytes) -> Iterator[bytes]:
    """Cut a table between rows into parts of about one size."""
    start = 0
    for place in range(1, FILES_PER_BLOCK):
        end = table.index(b"\n", len(table) * place // FILES_PER_BLOCK) + 1
        yield table[start:end]
        start = end
    yield table[start:]


def landed(table: bytes, verified_at: datetime) -> bytes:
    """Return the Parquet file that is landed for a table of rows."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(MEMBER, HEADER + table)
    context = RowContext("d4g24nep2jvh04o9uoh0", "amazon", verified_at)
    with spool_file(None) as source, spool_file(None) as target:
        source.write(packed.getvalue())
        convert(ArchiveReader(source), PARQUET, context, target, lambda rows: None)
        target.seek(0)
        return target.read()
