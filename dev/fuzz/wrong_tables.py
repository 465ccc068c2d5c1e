"""Readers of tables that do what none may: for the negative control."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from unittest import mock

from airflow_provider_ekyc.results.archive import check as archive
from airflow_provider_ekyc.results.output import csv_rows, parquet as parquet_file
from airflow_provider_ekyc.results.table import rows
from airflow_provider_ekyc.results.table.answers import Meaning, meaning
from airflow_provider_ekyc.results.table.number_forms import read_number

_rows = archive.ArchiveReader.rows
_tables = archive._tables


@contextmanager
def hides_what_is_unreadable(index: int) -> Iterator[None]:
    """Say nothing of numbers that can't be read."""

    def read(reader: archive.ArchiveReader) -> Iterator[rows.Rows]:
        yield from _rows(reader)
        reader.summary = dataclasses.replace(reader.summary, unreadable={})

    with mock.patch.object(archive.ArchiveReader, "rows", read):
        yield


@contextmanager
def adds_a_country(index: int) -> Iterator[None]:
    """Take a number in another writing for one without its country's code, and put one before it."""

    def read(cell: str) -> tuple[str | None, str]:
        digits, how = read_number(cell)
        return (f"1{digits}" if digits and how else digits), how

    with mock.patch.object(rows, "read_number", read):
        yield


@contextmanager
def takes_unknown_for_no(index: int) -> Iterator[None]:
    """Take each answer that is not yes for no."""

    def mean(answer: str) -> Meaning:
        return "yes" if meaning(answer) == "yes" else "no"

    with (
        mock.patch.object(archive, "meaning", mean),
        mock.patch.object(csv_rows, "meaning", mean),
        mock.patch.object(parquet_file, "meaning", mean),
    ):
        yield


@contextmanager
def takes_one_part(index: int) -> Iterator[None]:
    """Take the first part of a table for the whole."""

    def choose(*how: Any) -> Any:
        tables, beside = _tables(*how)
        return tables[:1], beside

    with mock.patch.object(archive, "_tables", choose):
        yield


@contextmanager
def lets_damage_pass(index: int) -> Iterator[None]:
    """Take what is damaged for whole, where only the archive is to be checked."""

    def check(file: BinaryIO) -> archive.ArchiveSummary:
        return archive.ArchiveSummary(0, 0, 0, 0, is_read=False)

    with mock.patch.object(archive, "check_members", check):
        yield
