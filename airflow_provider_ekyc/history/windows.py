"""How long an answer counts: the argument ``skip_verified_within``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from airflow_provider_ekyc.arguments import read_seconds
from airflow_provider_ekyc.exceptions import EkycSettingsError

_NAME: Final = "skip_verified_within"
_ANSWERS: Final = ("yes", "no", "unknown")
_LONGEST_SECONDS: Final = 100 * 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Windows:
    """
    How long each answer counts; None for an answer that never counts.

    An answer counts while it is younger than its window; at exactly that age it is verified again.
    """

    yes: timedelta | None
    no: timedelta | None
    unknown: timedelta | None

    @property
    def longest(self) -> timedelta | None:
        """The longest window; None if no answer counts."""
        return max((window for window in (self.yes, self.no, self.unknown) if window is not None), default=None)

    def since(self, now: datetime) -> datetime | None:
        """Return the time at or before which no result counts; None if no answer counts."""
        return now - self.longest if self.longest is not None else None


def read_windows(value: object) -> Windows:
    """
    Read ``skip_verified_within``.

    :param value: a duration (a ``timedelta``, or seconds, perhaps given as text) for every answer; or a mapping of
        ``yes``, ``no`` and ``unknown`` to durations, where an answer that is left out, None or 0 never counts
    :raises EkycSettingsError: if it is something else, or no answer counts
    """
    if isinstance(value, Mapping):
        others = sorted(str(name) for name in value if name not in _ANSWERS)
        if others:
            raise EkycSettingsError(
                f"{_NAME} has windows for yes, no and unknown; {len(others)} of its keys are none of these. "
                f"Nothing was sent."
            )
        read = [_read_window(f"{_NAME}[{answer!r}]", value.get(answer)) for answer in _ANSWERS]
    else:
        read = [_read_window(_NAME, value)] * len(_ANSWERS)
    windows = Windows(*read)
    if windows.longest is None:
        raise EkycSettingsError(
            f"{_NAME} has no window above 0, so that no answer counts. Nothing was sent. To verify every number, leave "
            f"the argument out."
        )
    return windows


def _read_window(name: str, value: object) -> timedelta | None:
    if value is None:
        return None
    try:
        seconds = read_seconds(name, value, most=_LONGEST_SECONDS)
    except EkycSettingsError as error:
        raise EkycSettingsError(f"{error} Nothing was sent.") from None
    return timedelta(seconds=seconds) or None
