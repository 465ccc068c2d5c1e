"""Result archives: one zip with one CSV, written row by row from the rows of a task."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_provider_ekyc.sandbox.answers import Answer, answer_for_digits
from airflow_provider_ekyc.sandbox.stopping import Stopped

Flaw = Literal["none", "wrong_crc", "xlsx", "extra_rows", "missing_rows", "replaced"]

_CHUNK_BYTES = 1 << 20
# A fixed time makes the archive of a task the same bytes each time it is written.
_MEMBER_TIME = (2025, 11, 21, 8, 27, 10)


@dataclass(frozen=True)
class Recipe:
    """What an archive holds.

    :param task_type: gives the second column and the member their names.
    :param rows: rows of the task.
    :param failure_rows: how many of them, at the end, could not be processed.
    :param failure_rows_in_result: whether those are in, as ``undetermined``, or left out.
    :param undetermined_percent: share of rows without an answer.
    :param flaw: what is wrong with the archive.
    :param flaw_rows: how many rows the flaw is about.
    """

    task_type: str
    rows: int
    failure_rows: int = 0
    failure_rows_in_result: bool = False
    undetermined_percent: int = 0
    flaw: Flaw = "none"
    flaw_rows: int = 0


def stranger(index: int) -> str:
    """A number that ``extra_rows`` adds: 15 digits under the unassigned country code 999.

    :param index: counted from 0.
    """
    return f"+999999{index:09d}"


_ENDS: dict[Answer, bytes] = {"yes": b",yes\n", "no": b",no\n", "undetermined": b",undetermined\n"}


def _answered(number: bytes, undetermined_percent: int) -> bytes:
    return number + _ENDS[answer_for_digits(number[1:], undetermined_percent)]


def _lines(rows_file: Path, recipe: Recipe, stopped: Callable[[], bool]) -> Iterator[bytes]:
    good = recipe.rows - recipe.failure_rows
    failed = recipe.failure_rows if recipe.failure_rows_in_result else 0
    if recipe.flaw == "missing_rows":
        good -= max(0, recipe.flaw_rows - failed)
        failed = max(0, failed - recipe.flaw_rows)
    percent = recipe.undetermined_percent
    # Whole chunks at once: ten million calls of the member's write() would double the time.
    with rows_file.open("rb") as file:
        while good + failed > 0 and (numbers := file.readlines(_CHUNK_BYTES)):
            if stopped():
                raise Stopped
            yield b"".join([_answered(number[:-1], percent) for number in numbers[:good]])
            given_up = numbers[good : good + failed]
            yield b"".join([number[:-1] + _ENDS["undetermined"] for number in given_up])
            good, failed = max(0, good - len(numbers)), failed - len(given_up)
    if recipe.flaw == "extra_rows":
        extra = [_answered(stranger(index).encode(), percent) for index in range(recipe.flaw_rows)]
        yield b"".join(extra)


def _break_checksum(archive: Path) -> None:
    with zipfile.ZipFile(archive) as reader:
        offsets = [reader.infolist()[0].header_offset + 14, reader.start_dir + 16]
    with archive.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            checksum = bytes(byte ^ 0xFF for byte in file.read(4))
            file.seek(offset)
            file.write(checksum)


def _write_spreadsheet(archive: zipfile.ZipFile, chunks: Iterator[bytes]) -> None:
    archive.writestr(
        "[Content_Types].xml",
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    )
    archive.writestr("xl/workbook.xml", "<workbook/>")
    with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
        sheet.write(b"<worksheet><sheetData>")
        for chunk in chunks:
            for line in chunk.splitlines():
                number, _, answer = line.partition(b",")
                sheet.write(b"<row><c><v>%b</v></c><c><v>%b</v></c></row>" % (number, answer))
        sheet.write(b"</sheetData></worksheet>")


def write_archive(rows_file: Path, target: Path, recipe: Recipe, stopped: Callable[[], bool]) -> None:
    """Write the result of a task; blocks, so call it in a thread.

    The member is ``<task type>.csv`` with the columns ``Number`` and the task type, as in the document, and
    lower-case beyond that (the vendor writes ``coinw`` for ``coinW``).

    :param rows_file: the rows of the task, one a line.
    :param target: where the archive goes.
    :param recipe: what it holds.
    :param stopped: asked every so often; true ends the work.
    :raises Stopped: if it was.
    :raises OSError: if the disk does not take it.
    """
    column = recipe.task_type.lower()
    # "replaced" is the same table as another object: stored instead of deflated, so no byte range fits both.
    method = zipfile.ZIP_STORED if recipe.flaw == "replaced" else zipfile.ZIP_DEFLATED
    chunks = _lines(rows_file, recipe, stopped)
    # Level 1: the answers are as good as random, so a higher level costs seconds and saves little.
    with zipfile.ZipFile(target, "w", method, compresslevel=1) as archive:
        if recipe.flaw == "xlsx":
            _write_spreadsheet(archive, chunks)
            return
        member = zipfile.ZipInfo(f"{column}.csv", _MEMBER_TIME)
        member.compress_type = method
        with archive.open(member, "w") as file:
            file.write(b"Number,%b\n" % column.encode())
            for chunk in chunks:
                file.write(chunk)
    if recipe.flaw == "wrong_crc":
        _break_checksum(target)
