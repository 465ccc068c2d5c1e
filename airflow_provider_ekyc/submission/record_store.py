"""What a place for records must be able to do."""

from __future__ import annotations

from typing import Protocol


class RecordStore(Protocol):
    """Small records of one task of one run, by name."""

    #: Whether of two writers that write at once exactly one succeeds.
    is_atomic: bool

    def address(self, name: str) -> str:
        """Return where the record is, for a message."""
        ...

    def read(self, name: str) -> bytes | None:
        """
        Return the record, or None if it is certain that there is none.

        :raises EkycJournalError: if that can't be known
        """
        ...

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """
        Write the record if it is still what the caller has read.

        :param replacing: what was read; None if there was nothing
        :return: False if it is something else by now; then nothing was written
        :raises EkycJournalError: if it can't be written
        """
        ...

    def names(self, prefix: str) -> list[str] | None:
        """
        Return the names of the records of this task of this run, or None if this store can't list them.

        :param prefix: how the names begin
        :raises EkycJournalError: if they can't be listed just now
        """
        ...
