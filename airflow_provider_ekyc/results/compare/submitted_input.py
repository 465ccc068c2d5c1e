"""The input that was submitted, read once more to compare the result with it."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from airflow_provider_ekyc.exceptions import EkycError, EkycSpoolError
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.numbers.source import open_numbers
from airflow_provider_ekyc.redaction import redact, without_query


class Stopped(Exception):
    """The input is no longer needed."""


class UnreadableInput(Exception):
    """The input can't be read any more; the text says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class SubmittedInput:
    """
    The input of the submit operator.

    :param numbers: where it is
    :param aws_conn_id: connection to read it with from S3
    :param numbers_conn_id: connection to read it with from elsewhere
    """

    numbers: str
    aws_conn_id: str | None
    numbers_conn_id: str | None

    @contextmanager
    def opened(self, is_stopped: Callable[[], bool]) -> Iterator[BinaryIO]:
        """
        Open it.

        :param is_stopped: whether it is no longer needed; asked before each read
        :raises EkycSpoolError: if the disk is full
        :raises Stopped: if it is no longer needed
        :raises UnreadableInput: if it can't be read, whatever its file system raises
        """
        try:
            with open_numbers(
                self.numbers, aws_conn_id=self.aws_conn_id, numbers_conn_id=self.numbers_conn_id
            ) as source:
                yield cast("BinaryIO", _Stoppable(source, is_stopped))
        except (EkycSpoolError, Stopped):
            raise
        except EkycError as error:
            raise self._unreadable(redact(error.message.partition(". ")[0].rstrip("."))) from None
        except Exception as error:  # noqa: BLE001  # each file system has errors of its own, and the result is paid for
            last = traceback.extract_tb(error.__traceback__)[-1]
            raise self._unreadable(f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}") from None

    def _unreadable(self, why: str) -> UnreadableInput:
        shown = shown_path(without_query(self.numbers))
        return UnreadableInput(f"the input at {shown} can't be read any more ({why}).")


class _Stoppable(io.RawIOBase):
    def __init__(self, file: ByteReader, is_stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._file, self._is_stopped = file, is_stopped

    def read(self, size: int = -1, /) -> bytes:
        if self._is_stopped():
            raise Stopped
        return self._file.read(size)
