"""Text files with one number a line, until the readers of other lists are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.numbers.lines import BLOCK_BYTES, line_blocks
from airflow_provider_ekyc.numbers.source import open_numbers
from airflow_provider_ekyc.redaction import without_query


@dataclass(frozen=True, slots=True)
class ListArguments:
    """What to read."""

    numbers: Sequence[str]
    aws_conn_id: str | None
    numbers_conn_id: str | None


@dataclass(frozen=True, slots=True)
class OpenedList:
    """A list that is being read."""

    name: str
    first_row: int
    blocks: Iterator[bytes]


@contextmanager
def open_lists(arguments: ListArguments) -> Iterator[Iterator[OpenedList]]:
    """Open text files, one after the other."""

    def lists() -> Iterator[OpenedList]:
        for uri in arguments.numbers:
            with open_numbers(
                uri, aws_conn_id=arguments.aws_conn_id, numbers_conn_id=arguments.numbers_conn_id
            ) as source:
                yield OpenedList(shown_path(without_query(uri)), 1, line_blocks(source, BLOCK_BYTES))

    yield lists()


class Reject(Enum):
    """Why a row is left out."""

    NOT_E164 = "not an E.164 number"


class Tidier:
    """Accepts blanks around a number."""

    def __init__(self) -> None:
        self.changes: Counter[str] = Counter()

    def read(self, line: bytes) -> int | Reject | None:
        """Return the number in a line."""
        trimmed = line.strip(b" \t")
        if not trimmed:
            return None
        digits = trimmed[1:]
        if trimmed.startswith(b"+") and digits.isdigit() and 2 <= len(digits) <= 15 and not digits.startswith(b"0"):
            return int(digits)
        return Reject.NOT_E164
