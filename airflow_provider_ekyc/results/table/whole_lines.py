"""Blocks of bytes, cut anew so that each ends where a line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_provider_ekyc.numbers.lines import with_line_feeds
from airflow_provider_ekyc.results.errors import contents_error

#: Bytes of a line at the most; a row of a result has some twenty.
LINE_LIMIT = 1024 * 1024


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""
    Yield the same lines, each block ending with a line end, and each line end as ``\n``.

    A last line without an end is given one.

    :raises EkycResultError: if a line is longer than ``LINE_LIMIT``: who reads lines keeps a whole one in memory
    """
    rest = b""
    for block in with_line_feeds(blocks):
        end = block.rfind(b"\n") + 1
        if len(rest) + (block.find(b"\n") if end else len(block)) > LINE_LIMIT:
            raise contents_error(f"The result has a line of more than {LINE_LIMIT:,} bytes.", again=True)
        if end:
            yield b"".join((rest, memoryview(block)[:end]))
            rest = block[end:]
        else:
            rest += block
    if rest:
        yield rest + b"\n"
