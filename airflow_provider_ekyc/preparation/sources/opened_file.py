"""Rows of one file, whatever its format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.preparation.sources.compressed import only_member, unpacked_stream, zip_names
from airflow_provider_ekyc.preparation.sources.delimited import column_blocks
from airflow_provider_ekyc.preparation.sources.encodings import entry_blocks, row_blocks, utf8_blocks
from airflow_provider_ekyc.preparation.sources.kinds import (
    HEAD_BYTES,
    Kind,
    check_name,
    kind_of,
    suffix_of,
    without_suffix,
)
from airflow_provider_ekyc.preparation.sources.options import TableOptions
from airflow_provider_ekyc.preparation.sources.parquet import parquet_blocks
from airflow_provider_ekyc.preparation.sources.reading import Blocks, Peeked, list_error, spooled
from airflow_provider_ekyc.preparation.sources.workbook import is_workbook, sheet_blocks


def open_rows(
    source: ByteReader,
    path: str,
    name: str,
    options: TableOptions,
    stack: ExitStack,
    spool_dir: str | os.PathLike[str] | None,
) -> tuple[int, Iterator[bytes]]:
    r"""
    Read a file's rows.

    :param source: read to its end, by then at the latest
    :param path: whose end is the file's suffix; it is not shown
    :param name: for messages
    :param options: how a table is read
    :param stack: closes what is opened here
    :param spool_dir: directory for temporary files
    :return: which row the first line is; lines ended by ``\n``, one for each row, in blocks
    :raises EkycNumbersError: if it is no list, or it is not certain what to read
    """
    return _open(source, path, name, options, stack, spool_dir, is_packed=False)


def _open(
    source: ByteReader,
    path: str,
    name: str,
    options: TableOptions,
    stack: ExitStack,
    spool_dir: str | os.PathLike[str] | None,
    *,
    is_packed: bool,
) -> tuple[int, Iterator[bytes]]:
    peeked = Peeked(source, HEAD_BYTES)
    suffix = suffix_of(path)
    kind = kind_of(peeked.head, name)
    file = None
    if kind is Kind.ZIP:
        file = stack.enter_context(spooled(peeked, spool_dir))
        if is_workbook(zip_names(file, name)):
            kind = Kind.WORKBOOK
    check_name(suffix, kind, name)
    if is_packed and kind in (Kind.GZIP, Kind.ZSTD, Kind.ZIP):
        raise list_error(name, "is packed twice", "Pack it once.")
    if kind is Kind.TEXT:
        return _text(peeked, suffix, name, options)
    if kind in (Kind.GZIP, Kind.ZSTD):
        inner = Blocks(unpacked_stream(peeked, kind, name))
        return _open(inner, without_suffix(path), name, options, stack, spool_dir, is_packed=True)
    if file is None:
        file = stack.enter_context(spooled(peeked, spool_dir))
    if kind is Kind.ZIP:
        member, blocks = only_member(file, name)
        return _open(Blocks(blocks), member, name, options, stack, spool_dir, is_packed=True)
    return (1, parquet_blocks(file, options, name)) if kind is Kind.PARQUET else sheet_blocks(file, options, name)


def _text(source: ByteReader, suffix: str, name: str, options: TableOptions) -> tuple[int, Iterator[bytes]]:
    text = utf8_blocks(source, options.encoding, name)
    if options.is_table or suffix in (".csv", ".tsv"):
        return column_blocks(row_blocks(text, name), options, name, is_tsv=suffix == ".tsv")
    return 1, entry_blocks(text)
