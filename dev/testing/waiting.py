"""Waiting for a condition, in place of a sleep of fixed length that a loaded machine makes too short."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout: float = 60.0, interval: float = 0.05) -> bool:
    """
    Wait until a condition holds.

    :param timeout: seconds after which the wait ends
    :param interval: seconds between two looks
    :return: whether it holds
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
