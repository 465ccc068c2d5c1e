"""Excel workbooks: one column of a sheet as lines."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, Final

from airflow_provider_ekyc.exceptions import EkycError, EkycSettingsError
from airflow_provider_ekyc.preparation.sources.cells import cell_lines, cell_text
from airflow_provider_ekyc.preparation.sources.columns import read_first_row
from airflow_provider_ekyc.preparation.sources.options import TableOptions
from airflow_provider_ekyc.preparation.sources.reading import list_error

#: Bytes of a workbook's shared texts at the most, unpacked: they are in memory, at some three times the size. A sheet
#: has 1,048,576 rows at the most.
SHARED_LIMIT: Final = 128 << 20
#: Bytes of all members at the most, unpacked: of a full sheet of 16 columns some 1 GiB.
UNPACKED_LIMIT: Final = 4 << 30

_SHARED: Final = "xl/sharedstrings.xml"
_BATCH_ROWS: Final = 10_000
_PIECE: Final = 1 << 20
_FORMULA_TAGS: Final = (b"<f>", b"<f ", b"<f/", b":f>", b":f ")
#: The beginning of a row, with its number if it says one.
_ROW: Final = re.compile(rb"""<(?:\w+:)?row(?=[\s/>])(?:[^<>]*?\sr\s*=\s*["'](\d+))?""")
#: Bytes of an element's beginning at the most: those of a row are some hundred.
_TAG_BYTES: Final = 1 << 16


def is_workbook(names: Sequence[str]) -> bool:
    """Return whether a zip archive with these members is an Excel workbook."""
    return "[Content_Types].xml" in names and any(name.lower() == "xl/workbook.xml" for name in names)


def sheet_blocks(file: BinaryIO, options: TableOptions, name: str) -> tuple[int, Iterator[bytes]]:
    """
    Read one column of a sheet, row by row.

    :param file: seekable, a workbook
    :param options: which sheet and column, and whether there is a header
    :param name: of the list, for messages
    :return: which row the first line is; one line for each row, in blocks
    :raises EkycNumbersError: if it is damaged, too large, or it is not certain what to read
    :raises EkycSettingsError: if the extra ``excel`` is not installed
    """
    try:
        import openpyxl
    except ImportError:
        raise EkycSettingsError(
            "An Excel workbook needs the package openpyxl. Nothing was sent. Install "
            '"airflow-provider-ekyc[excel]" on the workers.'
        ) from None
    with _damage_reported(name):
        has_formulas = _check_members(file, name)
    rows = _rows(openpyxl, file, options, name, with_formulas=has_formulas)
    row = 1
    for first in rows:
        cells = [cell_text(value) for value in first]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            break
        row += 1
    else:
        return 1, iter(())
    place, has_header = read_first_row(cells, options, name)
    return row + has_header, _column(rows, place, [] if has_header else [cells[place]])


def _column(rows: Iterator[Sequence[object]], place: int, batch: list[str]) -> Iterator[bytes]:
    for row in rows:
        batch.append(cell_text(row[place]) if place < len(row) else "")
        if len(batch) == _BATCH_ROWS:
            yield cell_lines(batch)
            batch = []
    yield cell_lines(batch)


def _rows(
    openpyxl: Any, file: BinaryIO, options: TableOptions, name: str, *, with_formulas: bool
) -> Iterator[Sequence[object]]:
    """Yield the values of each row; in the place of a formula without a stored value, the formula."""
    with _damage_reported(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which change no value
        with closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as values:
            sheet = _sheet(values, options.sheet, name)
            if not with_formulas:
                yield from sheet.iter_rows(values_only=True)
                return
            with closing(openpyxl.load_workbook(file, read_only=True, keep_links=False)) as formulas:
                written = _sheet(formulas, options.sheet, name)
                pairs = zip(sheet.iter_rows(values_only=True), written.iter_rows(values_only=True), strict=True)
                for stored, texts in pairs:
                    yield [text if value is None else value for value, text in zip(stored, texts, strict=True)]


@contextmanager
def _damage_reported(name: str) -> Iterator[None]:
    try:
        yield
    except EkycError:
        raise
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever a damaged part makes it do
        raise list_error(
            name,
            f"is a damaged workbook, or one that openpyxl can't read ({type(error).__name__})",
            "Open it and save it again as .xlsx, or save the sheet as CSV.",
        ) from None


def _sheet(workbook: Any, wanted: str | None, name: str) -> Any:
    sheets = workbook.worksheets
    if wanted is not None:
        # An argument is read without the blanks around it, which a sheet's name may have.
        named = [sheet for sheet in sheets if sheet.title == wanted]
        sheets = named or [sheet for sheet in sheets if sheet.title.strip() == wanted]
        if not sheets:
            raise list_error(name, "has no sheet of the name in sheet", "Correct sheet.")
    if len(sheets) != 1:
        raise list_error(name, f"has {len(sheets):,} sheets", "Set sheet to the name of the one with the numbers.")
    sheets[0].reset_dimensions()  # what a workbook declares of them may be wrong
    return sheets[0]


def _check_members(file: BinaryIO, name: str) -> bool:
    """Check the sizes of all members, and the order of the rows of all sheets; return whether one has formulas."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        shared = sum(member.file_size for member in members if member.filename.lower() == _SHARED)
        if shared > SHARED_LIMIT or sum(member.file_size for member in members) > UNPACKED_LIMIT:
            raise list_error(name, "is a workbook too large to be read", "Save the sheet as CSV.")
        sheets = [member for member in members if member.filename.lower().startswith("xl/worksheets/")]
        have_formulas = [_look_through(archive, sheet, name) for sheet in sheets]
        return any(have_formulas)


def _look_through(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bool:
    """
    Return whether a sheet has a formula.

    :raises EkycNumbersError: if a row has no larger number than the one before: openpyxl would leave it out unseen
    """
    has_formula, row = False, 0
    with archive.open(member) as sheet:
        end = b""
        while block := sheet.read(_PIECE):
            data = end + block
            has_formula = has_formula or any(tag in data for tag in _FORMULA_TAGS)
            last = max(data.rfind(b"<"), len(data) - _TAG_BYTES, 0)  # an element that the next block may complete
            for found in _ROW.finditer(data, 0, last):
                number = int(found[1]) if found[1] else row + 1
                if number <= row:
                    raise list_error(
                        name,
                        f"is a workbook with a row {number:,} that stands behind row {row:,}",
                        "Open it and save it again as .xlsx, or save the sheet as CSV.",
                    )
                row = number
            end = data[last:]
    return has_formula
