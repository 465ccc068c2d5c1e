"""
Keeps Python's cyclic garbage collector from walking what Airflow itself has loaded, in a triggerer.

A full collection stops the event loop, and with it every trigger, for as long as it takes to visit each object of the
process. In Airflow 3.3.2's triggerer that is 200 ms before there is a single trigger, most of it for modules that live
until the process ends. ``gc.freeze()`` moves what is there to a generation that is not visited; Airflow does the same
before it forks workers. What is there, and becomes a cycle without a user later, is not freed: so this is called
with the first wait alone, when little but modules is there. It concerns all triggers of the process, so
``[ekyc] freeze_heap = False`` switches it off.
"""

from __future__ import annotations

import gc
import logging

log = logging.getLogger(__name__)

_frozen: set[str] = set()


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


def _is_enabled() -> bool:
    from airflow_provider_ekyc.airflow_sdk import conf

    try:
        return bool(conf.getboolean("ekyc", "freeze_heap", fallback=True))
    except Exception as error:  # noqa: BLE001  # conf raises another class in each Airflow; a wait is paid for
        log.warning("[ekyc] freeze_heap can't be read (%s): nothing is frozen.", type(error).__name__)
        return False
