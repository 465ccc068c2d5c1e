"""
A table's rows, whatever it looks like, as lines of one form: ``+<digits>,<answer>`` and a line feed.

Rows come in blocks of a mebibyte, and three readers try each: one proves with numpy that a block has that form
already, or nearly, and reads its numbers (0.15 s for 10,000,000 rows, without the GIL); one takes any
answers (some 3 s); the last is the ``csv`` module, for whatever else there may be (some 20 s).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy

from airflow_provider_ekyc.numbers.invisible import trimmed
from airflow_provider_ekyc.results.errors import contents_error
from airflow_provider_ekyc.results.table.answers import meaning
from airflow_provider_ekyc.results.table.header import HEADER_LINES, ColumnNames, Columns, is_number_name, read_header
from airflow_provider_ekyc.results.table.number_forms import OTHER_TEXT, TEXT_MARK, read_number
from airflow_provider_ekyc.results.table.plain_rows import PlainRows, read_plain
from airflow_provider_ekyc.results.table.whole_lines import LINE_LIMIT, whole_lines

_NUMBERS = re.compile(rb"(?:\+?[1-9][0-9]{1,14}+\n)*+")
_NUMBER = re.compile(r"\+?([1-9][0-9]{1,14})")
_NOT_IN_A_CELL = re.compile(r'[,"\r\n\t]')
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")
_LATIN_I = re.compile(rb"(?<=[sS])[\xed\xcd](?![\x80-\xbf])")  # of sí, in Latin-1
_BLANK = " \t\x1a"  # old editors end a text with the last one
_CSV_ROWS = 4096
_CSV_HELD = 1024 * 1024  # characters of them: answers may be long


@dataclass(frozen=True, slots=True)
class Rows:
    r"""
    Some rows of a table.

    :param lines: ``+<digits>,<answer>\n`` each; without quotes, as no cell needs them
    :param answers: rows with each answer, as the vendor wrote it
    :param unreadable: rows whose number can't be read, by the reason; they are as the vendor wrote them
    :param repaired: rows whose number was written in another form than documented, by the form
    :param plain: the numbers and answers, if all are in the documented form
    """

    lines: bytes
    answers: Mapping[str, int]
    unreadable: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    plain: PlainRows | None = field(default=None, repr=False, compare=False)


def read_top(lines: Iterator[bytes]) -> bytes:
    """Read as many whole lines as a header is looked for in, at the least."""
    top = b""
    while top.count(b"\n") < HEADER_LINES and (block := next(lines, None)) is not None:
        top += block
    return top


def read_table(blocks: Iterable[bytes], names: ColumnNames | None = None) -> Iterator[Rows]:
    """
    Read a table.

    :param blocks: its bytes
    :param names: what is known of its columns
    :raises EkycResultError: if it is not a table of numbers and answers; it names a line, and quotes no row
    """
    lines = whole_lines(blocks)
    top = read_top(lines)
    columns, before = read_header(top, names)
    rest = top.split(b"\n", before)[-1]
    at = before + 1  # number of the block's first line
    for block in chain([rest], lines):
        # What is proved to be plain has no quotes: they are looked for only if the proof fails.
        rows = _read_plain(block) if block and columns.are_plain and columns.delimiter == "," else None
        with_commas = None if rows is not None else _with_commas(block, columns)
        if rows is None and with_commas and with_commas is not block:
            rows = _read_plain(with_commas)
        if rows is not None:
            yield rows
            at += sum(rows.answers.values())  # counting the lines would double the time
            continue
        rows = _read_simple(with_commas) if with_commas else None
        if rows is not None:
            if rows.answers:
                yield rows
        elif b'"' in block:
            # A quoted cell may hold the line end that blocks are cut at, so the rest is read as one text.
            yield from _read_csv(chain([block], lines), columns, at)
            return
        else:
            yield from _read_csv([block], columns, at)
        at += block.count(b"\n")


def read_list(blocks: Iterable[bytes], answer: str) -> Iterator[Rows]:
    """
    Read a list of numbers, one a line, that all have the same answer.

    :param blocks: its bytes
    :param answer: what the name of the list says
    :raises EkycResultError: if a line holds more than a number
    """
    columns = Columns(",", 2, 0, 1)
    end = f",{answer}\n".encode()
    for number, block in enumerate(whole_lines(blocks)):
        if number == 0:
            first, _, rest = block.partition(b"\n")
            block = rest if is_number_name(first.decode("utf-8", "replace")) else block
        if b'"' in block or b"," in block:
            raise contents_error("The result's list of numbers contains something other than numbers.", again=True)
        lines = b"\n".join(line for line in block.split(b"\n") if line.strip()).removeprefix(b"\xef\xbb\xbf")
        if lines:
            table = lines.replace(b"\n", end) + end
            rows = _read_plain(table) or _read_simple(table)
            yield from [rows] if rows else _read_csv([table], columns, 1)


def _with_commas(block: bytes, columns: Columns) -> bytes | None:
    """Return the block with commas and without quotes, or None if only the csv module can find its cells."""
    if not columns.are_plain:
        return None
    delimiter = columns.delimiter.encode()
    if b'"' in block:
        bare = block.replace(b'"', b"")
        quoted = bare[:-1].replace(delimiter, b'"' + delimiter + b'"').replace(b"\n", b'"\n"')
        if b'"%b"\n' % quoted != block:
            return None  # not each cell is quoted, or a cell holds what would need it
        block = bare
    if delimiter == b",":
        return block
    return None if b"," in block else block.replace(delimiter, b",")


def _read_plain(block: bytes) -> Rows | None:
    found = read_plain(block)
    if found is None:
        return None
    yes = int(numpy.count_nonzero(found.is_yes))
    answers = {answer: count for answer, count in (("yes", yes), ("no", len(found.is_yes) - yes)) if count}
    lines = block if found.have_plus else b"+" + block[:-1].replace(b"\n", b"\n+") + b"\n"
    return Rows(lines, answers, plain=found)


def _read_simple(block: bytes) -> Rows | None:
    """Read lines of digits, one comma and any answer; return None if a line has another form."""
    lines = b"\n".join(filter(None, block.split(b"\n"))) + b"\n"
    if lines == b"\n":
        return Rows(b"", {})
    byte = numpy.frombuffer(lines, numpy.uint8)
    commas, ends = numpy.flatnonzero(byte == 44), numpy.flatnonzero(byte == 10)
    if len(commas) != len(ends) or not (commas < ends).all() or not (commas[1:] > ends[:-1]).all():
        return None
    cells = lines[:-1].replace(b"\n", b",").split(b",")
    numbers, answers = cells[0::2], cells[1::2]
    all_numbers = b"\n".join(numbers) + b"\n"
    if not _NUMBERS.fullmatch(all_numbers):
        return None
    counts = Counter(answers)
    clean = {answer: _cell(_text(answer)) for answer in counts}
    if all(answer == text.encode() for answer, text in clean.items()) and all_numbers.count(b"+") == len(numbers):
        return Rows(lines, _sum_by(clean, counts))
    ends_of = {answer: f",{text}\n".encode() for answer, text in clean.items()}
    lines = b"".join(
        [b"+" + number.removeprefix(b"+") + ends_of[answer] for number, answer in zip(numbers, answers, strict=True)]
    )
    return Rows(lines, _sum_by(clean, counts))


def _read_csv(blocks: Iterable[bytes], columns: Columns, at: int) -> Iterator[Rows]:
    """Read rows with the csv module; ``at`` is the number of the first line."""
    begun, length = at, 0

    def texts() -> Iterator[str]:
        nonlocal length
        for block in blocks:
            for line in io.StringIO(_text(block), newline="\n"):
                length += len(line)
                if length > LINE_LIMIT:  # the reader keeps a whole row, however many lines it has
                    raise contents_error(
                        f"The row that begins in line {begun:,} of the result's table is longer than {LINE_LIMIT:,} "
                        f"characters.",
                        again=True,
                    )
                yield line

    # Strict, so that a quote that is never closed does not swallow rows.
    reader = csv.reader(texts(), delimiter=columns.delimiter, strict=True)
    pending = _Pending()
    # What ends as a number does is compared with the header only if the name there, such as E.164, ends so as well.
    name = columns.names[columns.number] if columns.names else ""
    is_like_number = name[-1:].isdigit() or name[-2:-1].isdigit()
    try:
        for row in reader:
            begun, length = at + reader.line_num, 0
            if not "".join(row).strip(_BLANK) and len(row) in (0, 1, columns.count):
                continue  # a spreadsheet ends with rows of blank cells
            if len(row) != columns.count:
                raise contents_error(
                    f"Line {at + reader.line_num - 1:,} of the result's table has {len(row):,} fields instead of "
                    f"{columns.count:,}.",
                    again=True,
                )
            number = row[columns.number]
            if (is_like_number or not (number[-1:].isdigit() or number[-2:-1].isdigit())) and columns.are_header(row):
                continue  # files that were joined have it again
            if not pending.add_row(number, _cell(row[columns.answer])):
                raise contents_error(
                    f"Line {at + reader.line_num - 1:,} of the result's table has no number.", again=True
                )
            if pending.is_full:
                yield pending.rows()
                pending = _Pending()
    except csv.Error as error:
        raise contents_error(f"The result's table is not CSV ({error}).", again=True) from None
    if pending.lines:
        yield pending.rows()


class _Pending:
    """Rows that were read one by one, to be yielded together."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._answers: Counter[str] = Counter()
        self._unreadable: Counter[str] = Counter()
        self._repaired: Counter[str] = Counter()
        self._size = 0

    def add_row(self, cell: str, answer: str) -> bool:
        """Add a row; return False if it has no number, or an answer in its place."""
        digits, how = read_number(cell)
        if digits is None:
            number = _cell(cell)
            if not number or (how == OTHER_TEXT and meaning(number) != "unknown"):
                return False
            if match := _NUMBER.fullmatch(number):
                digits, how = match[1], TEXT_MARK  # without what a cell can't have, it is one
        if digits is None:
            self._unreadable[how] += 1
            self.lines.append(f"{number},{answer}\n")
        else:
            if how:
                self._repaired[how] += 1
            self.lines.append(f"+{digits},{answer}\n")
        self._answers[answer] += 1
        self._size += len(self.lines[-1])
        return True

    @property
    def is_full(self) -> bool:
        return len(self.lines) == _CSV_ROWS or self._size >= _CSV_HELD

    def rows(self) -> Rows:
        return Rows("".join(self.lines).encode(), self._answers, self._unreadable, self._repaired)


def _sum_by(clean: Mapping[bytes, str], counts: Mapping[bytes, int]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for answer, count in counts.items():
        sums[clean[answer]] += count
    return dict(sums)


def _cell(text: str) -> str:
    """Return a cell that needs no quotes; no number and no known answer has what is removed."""
    return trimmed(_NO_TEXT.sub("\ufffd", _NOT_IN_A_CELL.sub(" ", text)))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        content = _LATIN_I.sub("í".encode(), content)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise contents_error("The result's table is not UTF-8 text.", again=True) from None
