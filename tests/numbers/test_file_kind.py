"""What is no text is named as what it is, not by its invalid lines: ``numbers/file_kind.py``."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError
from tests.numbers.inputs import FIRST, prepare


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("numbers.txt", data)
    return target.getvalue()


@pytest.mark.parametrize("settings", [{}, {"invalid": "drop"}, {"check": False}])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(FIRST), "zip archive or an Excel workbook"),
        (gzip.compress(FIRST), "gzip, which is not supported.*EkycPrepareNumbersOperator"),
        ((FIRST + b"\n").decode().encode("utf-16"), "UTF-16 text: save it as UTF-8"),
        (codecs.BOM_UTF16_BE + FIRST.decode().encode("utf-16-be"), "UTF-16 text: save it as UTF-8"),
        (FIRST.decode().encode("utf-16-le"), "not a text file: byte 1 "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Excel workbook"),
    ],
)
def test_another_kind_of_file_is_named_instead_of_its_invalid_lines(
    data: bytes, message: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        prepare(data, **settings)


def test_nul_bytes_further_on_are_a_damaged_file_even_if_invalid_lines_are_dropped() -> None:
    with pytest.raises(EkycNumbersError, match=r"byte 39 .*damaged"):
        prepare((FIRST + b"\n") * 3 + bytes(100), invalid="drop", block_bytes=16)
