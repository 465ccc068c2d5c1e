"""A file of the history table that is gone, or damaged: other than the catalog's errors, it names the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from airflow_provider_ekyc.exceptions import EkycHistoryError

#: What Arrow's readers say of content that they can't decode, in an ``OSError`` without a code of the system. A text
#: that is not listed may be of the store, so it stays what a retry may help.
_DAMAGE: Final = re.compile(
    r"decompress|corrupt|deserialize|thrift|unexpected end of stream|num_values|bit_width|malformed|unknown encoding|"
    r"invalid page|page header|dictionary|checksum|magic bytes",
    re.IGNORECASE,
)


@contextmanager
def files_explained(table: str, file: str) -> Iterator[None]:
    """
    Raise what shows that a file of a table is missing or damaged as an error that says so; others as they are.

    :param table: as messages name it
    :param file: what is read, as messages name it
    :raises EkycHistoryError: retryable if it is missing, since a retry reads the table as it is then
    """
    import pyarrow

    try:
        yield
    except FileNotFoundError:
        raise EkycHistoryError(
            f"A file of the history, {table}, is missing from its store: {file}, or a file that belongs to it. Nothing "
            f"was sent. A retry reads the table as it is then, such as after a compaction. If it fails again, a "
            f"clean-up has deleted a file that the table names: restore it, or delete its rows from the table; or the "
            f"s3.* properties of the connection do not reach it.",
            retryable=True,
        ) from None
    except (pyarrow.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and not _is_damage(error):
            raise
        raise EkycHistoryError(
            f"Restore the file, or delete its rows from the table. A file of the history, {table}, is damaged: {file}, "
            f"or a file that belongs to it ({type(error).__name__}). Nothing was sent. A retry can't help. Then clear "
            f"this task."
        ) from None


def _is_damage(error: OSError) -> bool:
    text = str(error)
    return error.errno is None and "AWS Error" not in text and _DAMAGE.search(text) is not None
