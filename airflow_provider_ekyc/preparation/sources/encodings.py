"""Text in any encoding as UTF-8, a block at a time."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from airflow_provider_ekyc.numbers.lines import MAX_LINE_BYTES, with_line_feeds
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.preparation.sources.reading import BLOCK_BYTES, list_error

#: Byte order marks, the longest first: that of UTF-32 begins as that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK_BYTES: Final = 4
#: What a mark may stand before, by the declared encoding.
_FAMILIES: Final = {
    "utf-8-sig": ("utf-8",),
    "utf-16": ("utf-16-le", "utf-16-be"),
    "utf-32": ("utf-32-le", "utf-32-be"),
}
#: Bytes of a table's row at the most: a whole one is in memory.
ROW_LIMIT: Final = 4 << 20


def utf8_blocks(source: ByteReader, encoding: str | None, name: str) -> Iterator[bytes]:
    r"""
    Read text as UTF-8, without a byte order mark, and with ``\n`` for each line end.

    What is UTF-8 already is not looked at beyond NUL bytes: its lines are checked where they are read.

    :param source: read to its end
    :param encoding: as declared; None for UTF-8, or what a byte order mark says
    :param name: of the list, for messages
    :raises EkycNumbersError: if it is not text in that encoding
    """
    yield from with_line_feeds(_decoded(source, encoding, name))


def _decoded(source: ByteReader, declared: str | None, name: str) -> Iterator[bytes]:
    first = _read(source, max(_MARK_BYTES, 1 << 16))
    encoding, mark = _encoding(first, declared, name)
    block, position = first[len(mark) :], len(mark)
    decode = None if encoding in ("utf-8", "ascii") else codecs.getincrementaldecoder(encoding)("strict").decode
    while block:
        text = block if decode is None else _converted(decode, block, position, encoding, name)
        if b"\0" in text:
            raise list_error(
                name,
                "is not text: it has a NUL byte",
                "If it is UTF-16 without a byte order mark, set encoding='utf-16-le'; otherwise it is a binary file, "
                "or was damaged in a copy.",
            )
        if text:
            yield text
        position += len(block)
        block = source.read(BLOCK_BYTES)
    if decode is not None:
        _converted(decode, b"", position, encoding, name, final=True)


def _encoding(first: bytes, declared: str | None, name: str) -> tuple[str, bytes]:
    mark, marked = next((each for each in _MARKS if first.startswith(each[0])), (b"", None))
    if declared is None:
        return marked or "utf-8", mark
    if marked is None:
        if declared in ("utf-16", "utf-32") and first:
            raise list_error(
                name,
                f"has no byte order mark, so its {declared} may be either of two",
                f"Set encoding to '{declared}-le' or '{declared}-be'.",
            )
        return _FAMILIES.get(declared, (declared,))[0], b""
    if marked not in _FAMILIES.get(declared, (declared,)):
        raise list_error(
            name,
            f"begins with the byte order mark of {marked}, while encoding is {declared!r}",
            "Leave encoding out, or correct it.",
        )
    return marked, mark


def _converted(
    decode: Callable[..., str], block: bytes, position: int, encoding: str, name: str, *, final: bool = False
) -> bytes:
    try:
        return decode(block, final).encode()
    except UnicodeError:
        raise list_error(
            name,
            f"is not {encoding} text (after byte {position:,})",
            "Set encoding to the encoding that it is written in, or write it as UTF-8.",
        ) from None


def _read(source: ByteReader, size: int) -> bytes:
    pieces = []
    while size and (piece := source.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def entry_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""
    Cut text into blocks of whole lines, each ended by ``\n``.

    Of a line that is too long for any entry as much is kept as shows that it is: no file needs more memory than
    another.
    """
    carry = b""
    for block in blocks:
        data = carry + block if carry else block
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
        carry = data[end : end + MAX_LINE_BYTES + 1]
    if carry:
        yield carry + b"\n"


def row_blocks(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    r"""
    Cut text into blocks of whole lines, each ended by ``\n`` and kept as it is.

    :raises EkycNumbersError: if a line is longer than any row of a table
    """
    carry = b""
    for block in blocks:
        data = carry + block if carry else block
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
        carry = data[end:]
        if len(carry) > ROW_LIMIT:
            raise list_error(name, f"has a row of more than {ROW_LIMIT:,} bytes", "Check that it is a table of rows.")
    if carry:
        yield carry + b"\n"
