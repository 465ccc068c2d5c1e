"""Times as counts of an Arrow type's unit. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: How many of each unit are a second.
TICKS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def ticks_at(time: datetime, unit: str) -> int:
    """Return the last count of a unit that is at or before a time."""
    since = time - EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds
    return microseconds * TICKS[unit] // 10**6
