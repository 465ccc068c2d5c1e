"""
How fast one connection is: a rate and a latency, kept by sleeping, so that pacing costs next to no CPU.

A token bucket for each connection. Its clock and its sleep are passed in. Without arguments nothing is paced.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

#: Seconds of the rate that a connection may catch up after a delay. At 80 MB/s that is 4 MB: what a receive window
#: holds while its reader is busy.
SLACK = 0.05
#: Shorter waits are added up. A sleep takes some 60 microseconds of its own.
SHORTEST_SLEEP = 0.001


@dataclass(frozen=True, slots=True)
class Network:
    """
    The speed of every connection.

    :param rate: bytes per second of one connection
    :param latency: seconds that each request waits before its body is read and it is answered
    """

    rate: float = math.inf
    latency: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Return it for the command line of a server."""
        return asdict(self)


LOOPBACK = Network()


class Pace:
    """
    The bucket of one connection.

    :param network: its speed
    :param clock: seconds, never going back
    :param sleep: waits some seconds
    """

    def __init__(
        self,
        network: Network,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._network, self._clock, self._sleep = network, clock, sleep
        self._due = clock()

    def begin(self) -> None:
        """Wait for the latency of a request. Time that the connection was idle before gives it no credit."""
        if self._network.latency:
            self._sleep(self._network.latency)
        self._due = self._clock()

    def carry(self, size: int) -> None:
        """Wait until ``size`` more bytes of this request have been carried."""
        now = self._clock()
        self._due = max(self._due, now - SLACK) + size / self._network.rate
        if (wait := self._due - now) >= SHORTEST_SLEEP:
            self._sleep(wait)
