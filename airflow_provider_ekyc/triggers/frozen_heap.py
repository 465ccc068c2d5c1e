"""
Keeps Python's cyclic garbage collector from walking what Airflow itself has loaded, in a triggerer.

A full collection stops the event loop, and with it every trigger, for as long as it takes to visit each object of the
process. In Airflow 3.3.2's triggerer that is 200 ms before there is a single trigger, most of it for modules that live
until the process ends. ``gc.freeze()`` moves what is there to a generation that is not visited; Airflow does the same
before it forks workers. It concerns all triggers of the process, so ``[ekyc] freeze_heap = False`` switches it off.

What is frozen, and becomes a cycle without a user later, is not freed. So this is done a bounded number of times: with
the first wait, when little but modules is there, and whenever there are :data:`MORE_WAITS` waits at once more than ever
before in the process. Without the latter, the 35 objects of each wait make a collection of 5,000 waits take 0.1 to
0.3 s. What ended waits leave behind as cycles is kept once at the most; of 1,000 that were 2,000 objects.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

#: Waits at once beyond the most so far, for each of which what the process has is frozen again. A collection of so many
#: takes 10 to 30 ms.
MORE_WAITS = 500

_frozen: set[str] = set()
_waits = 0


def freeze_heap(stage: str) -> None:
    """
    Freeze what the process has loaded, once for each stage. It takes no time that grows with the heap.

    :param stage: such as ``before imports``: to import modules makes so many objects that a full collection follows
    """
    if stage in _frozen:
        return
    _frozen.add(stage)
    if _is_enabled():
        gc.freeze()
        log.debug("%d objects are left out of garbage collections.", gc.get_freeze_count())


@contextmanager
def counted_wait() -> Iterator[None]:
    """Count a wait for as long as the block lasts, and freeze the heap if there are many more than ever before."""
    global _waits
    _waits += 1
    if _waits % MORE_WAITS == 0:
        freeze_heap(f"{_waits} waits")
    try:
        yield
    finally:
        _waits -= 1


def _is_enabled() -> bool:
    from airflow_provider_ekyc.airflow_sdk import conf

    try:
        return bool(conf.getboolean("ekyc", "freeze_heap", fallback=True))
    except Exception as error:  # noqa: BLE001  # conf raises another class in each Airflow; a wait is paid for
        log.warning("[ekyc] freeze_heap can't be read (%s): nothing is frozen.", type(error).__name__)
        return False
