"""The input that was sent, read once more beside the result to compare the two."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from airflow_provider_ekyc.exceptions import EkycError, EkycSpoolError
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.numbers.source import open_numbers
from airflow_provider_ekyc.redaction import redact, without_query
from airflow_provider_ekyc.results.compare.comparison import Reconciliation
from airflow_provider_ekyc.s3.object import Place


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What was sent, to compare what came back with it.

    :param numbers: where the input is
    :param aws_conn_id: connection to read it with from S3
    :param numbers_conn_id: connection to read it with from elsewhere
    :param unmatched_place: where to land the numbers that did not come back, or None
    """

    numbers: str
    aws_conn_id: str | None
    numbers_conn_id: str | None
    unmatched_place: Place | None


def read_sent(reconciliation: Reconciliation, sent: Sent, is_stopped: Callable[[], bool]) -> None:
    """
    Give a comparison the numbers that were sent, or the reason why it can't have them.

    :param is_stopped: whether nobody waits for them any more; asked before each read
    :raises EkycSpoolError: if the disk is full
    """
    try:
        with open_numbers(sent.numbers, aws_conn_id=sent.aws_conn_id, numbers_conn_id=sent.numbers_conn_id) as source:
            reconciliation.read_sent(cast("BinaryIO", _Stoppable(source, is_stopped)))
    except (EkycSpoolError, _Stopped):
        raise
    except EkycError as error:
        reconciliation.leave_out(_unread(sent, redact(error.message.partition(". ")[0].rstrip("."))))
    except Exception as error:  # noqa: BLE001  # each file system has errors of its own, and the result is paid for
        last = traceback.extract_tb(error.__traceback__)[-1]
        reconciliation.leave_out(_unread(sent, f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"))


def _unread(sent: Sent, why: str) -> str:
    return f"the input at {without_query(sent.numbers)} can't be read any more ({why})."


class _Stopped(Exception):
    """Nobody waits for what is read."""


class _Stoppable(io.RawIOBase):
    """
    A file that ends its reader when it is told to.

    :param file: is read, and not closed
    """

    def __init__(self, file: ByteReader, is_stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._file, self._is_stopped = file, is_stopped

    def read(self, size: int = -1, /) -> bytes:
        if self._is_stopped():
            raise _Stopped
        return self._file.read(size)
