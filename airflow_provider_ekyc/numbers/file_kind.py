"""
Refuse files that are no text and are uploaded by mistake: a workbook, an archive, UTF-16 text.

Without this, such a file would be reported as thousands of invalid lines, and the reader would search for invalid
numbers instead of the wrong file.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ekyc.exceptions import EkycNumbersError

UTF8_BOM: Final = b"\xef\xbb\xbf"

#: How many bytes from the start :func:`refuse_other_kinds` needs: the longest signature below.
HEAD_BYTES: Final = 16

_PLAIN_TEXT: Final = "The input must be plain UTF-8 text with one entry per line"

_OR_PREPARE: Final = ", or prepare it with EkycPrepareNumbersOperator"

# Signatures as libmagic lists them. Each holds a byte that no UTF-8 text starts with, or a control
# character: an e-mail list whose first line is "BZh9@example.com" is still text.
_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (
        b"PK\x03\x04",
        f"a zip archive or an Excel workbook (.xlsx): unpack it, or save the sheet as text{_OR_PREPARE}",
    ),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", f"compressed with gzip, which is not supported: unpack it first (gunzip){_OR_PREPARE}"),
    (b"BZh91AY&SY", "compressed with bzip2, which is not supported: unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "compressed with xz, which is not supported: unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", f"compressed with zstd, which is not supported: unpack it first (unzstd){_OR_PREPARE}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls): save the sheet as CSV or text"),
    (b"\xff\xfe", f"UTF-16 text: save it as UTF-8{_OR_PREPARE}"),
    (b"\xfe\xff", f"UTF-16 text: save it as UTF-8{_OR_PREPARE}"),
)


def refuse_other_kinds(head: bytes) -> None:
    """
    Refuse a file whose first bytes are those of another kind than UTF-8 text.

    :param head: the file's first bytes, :data:`HEAD_BYTES` or more unless the file is shorter
    :raises EkycNumbersError: naming the kind of file and how to turn it into text
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            raise EkycNumbersError(f"The input is {kind}. {_PLAIN_TEXT}.")


def refuse_nul_bytes(block: bytes, *, block_start: int) -> None:
    """
    Refuse a block with a NUL byte, which no text file holds.

    NULs are UTF-16 without a byte order mark, another binary file, or the gap that an interrupted copy leaves. Because
    of the last, each block is checked, and ``invalid="drop"`` does not cover it: the missing content is unknown.

    :param block: a piece of the file
    :param block_start: position of the piece in the file
    :raises EkycNumbersError: with the position of the first NUL byte
    """
    position = block.find(b"\x00")
    if position >= 0:
        raise EkycNumbersError(
            f"The input is not a text file: byte {block_start + position:,} (counted from 0) is NUL. It is "
            "UTF-16 text (save it as UTF-8), a binary file, or was damaged in a copy (copy it again). "
            f"{_PLAIN_TEXT}."
        )
