"""A clock for the sandbox that can be held."""

from __future__ import annotations

import time


class Clock:
    """The time, which can be held: remote tasks then stay where they are."""

    def __init__(self) -> None:
        self._held: float | None = None

    def __call__(self) -> float:
        """Return it, as Unix time."""
        return time.time() if self._held is None else self._held

    def hold(self) -> None:
        """Stop."""
        self._held = time.time()

    def release(self) -> None:
        """Go on, with the present."""
        self._held = None
