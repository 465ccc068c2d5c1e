"""How far a run is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dev.scale.run_database import ENDED


@dataclass(frozen=True)
class Progress:
    """Counts at one moment.

    :param files: verifications in all
    :param billed: submissions that the API has accepted
    :param counts: task instances by task and state
    """

    files: int
    billed: int
    counts: Counter[tuple[str, str]]

    @property
    def deferred(self) -> int:
        """Waits that are in a triggerer."""
        return self.counts["wait", "deferred"]

    @property
    def landed(self) -> int:
        """Files whose result has landed."""
        return self.counts["land", "success"]

    @property
    def running(self) -> int:
        """Worker slots that are in use."""
        return sum(count for (_, state), count in self.counts.items() if state == "running")

    @property
    def queued(self) -> int:
        """Tasks that wait in Redis for a worker, or are with a worker and have not begun."""
        return sum(count for (_, state), count in self.counts.items() if state == "queued")

    @property
    def submits_over(self) -> bool:
        """Whether each submission has ended, well or not, and each wait that can be is in a triggerer."""
        over = sum(count for (task, state), count in self.counts.items() if task == "submit" and state in ENDED)
        at_rest = sum(
            count
            for (task, state), count in self.counts.items()
            if task == "wait" and (state in ENDED or state == "deferred")
        )
        return over == at_rest == self.files

    @property
    def all_wait(self) -> bool:
        """Whether all verifications are in a triggerer at once."""
        return self.deferred == self.files

    def shown(self) -> str:
        """Return it as a line."""
        return (
            f"{self.billed} billed, {self.deferred} deferred, {self.landed} landed of {self.files}; "
            f"{self.running} tasks running"
        )
