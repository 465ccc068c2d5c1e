"""What a preparation has found, in counts: for the log, the XCom ``preparation`` and the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_ekyc.counted import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    Counts of rows and files. It holds no number.

    :param sources: files, or queries, that were read
    :param rows_read: rows of all of them
    :param blank: rows without anything in them
    :param invalid: reason -> rows that were left out
    :param changed: kind of change -> rows that were tidied
    :param duplicates: rows with the number of an earlier row
    :param fresh: numbers with a landed result that is young enough; None without ``skip_verified_within``
    :param stale: numbers with an older result; None if not all of the history was read
    :param new: numbers without a result; None likewise
    :param stale_or_new: numbers that are not fresh; None without ``skip_verified_within``
    :param held_back: numbers that are not sent because they are fewer than the API's minimum
    :param to_send: numbers in the files
    """

    sources: int
    rows_read: int
    blank: int
    invalid: Mapping[str, int]
    changed: Mapping[str, int]
    duplicates: int
    fresh: int | None = None
    stale: int | None = None
    new: int | None = None
    stale_or_new: int | None = None
    history_files_read: int | None = None
    history_files_skipped: int | None = None
    history_rows_read: int | None = None
    held_back: int
    to_send: int

    @property
    def distinct(self) -> int:
        """Numbers of the list, each counted once."""
        return self.rows_read - self.blank - sum(self.invalid.values()) - self.duplicates

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for an XCom."""
        return asdict(self) | {"invalid": dict(self.invalid), "changed": dict(self.changed)}

    def lines(self) -> Iterator[str]:
        """Yield it as lines for the log."""
        yield (
            f"Read {counted(self.rows_read, 'row')} of {counted(self.sources, 'source')}: "
            f"{counted(self.distinct, 'different number')}; left out "
            f"{self.blank:,} blank, {sum(self.invalid.values()):,} invalid, {self.duplicates:,} duplicate rows."
        )
        for what, counts in (("Invalid", self.invalid), ("Changed", self.changed)):
            if counts:
                yield f"{what}: {', '.join(f'{count:,} {name}' for name, count in sorted(counts.items()))}."
        if self.fresh is not None:
            older = "" if self.stale is None else f" ({self.stale:,} stale, {self.new:,} new)"
            yield f"Fresh, so not sent: {counted(self.fresh, 'number')}. Not fresh: {self.stale_or_new:,}{older}."
