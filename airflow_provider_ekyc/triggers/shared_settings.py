"""
Reads a connection once for all waits that begin at the same time.

Airflow's triggerer answers one request of its triggers in each turn of its supervisor's loop, between queries of its
database, and to read a connection takes several (Airflow 3.3.2: the connection, and each time it hands a secret to the
log's mask). With a read for each wait, 1,000 waits after a restart made some 5,000 requests, and the events of waits
that had ended stood in line behind them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.settings import EkycSettings

#: Seconds for which what was read is used for further waits. Short: a person who has corrected a connection clears the
#: task next.
KEPT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Read:
    task: asyncio.Task[EkycSettings]
    begun: float

    def is_usable(self, since: float) -> bool:
        """Whether it was begun after this time, and is under way or has succeeded a short time ago."""
        if self.begun < since:
            return False
        if not self.task.done():
            return True
        is_recent = time.monotonic() - self.begun < KEPT_SECONDS
        return is_recent and not self.task.cancelled() and self.task.exception() is None


# By event loop: a triggerer has one, ``dag.test()`` has one for each trigger.
_reads: dict[asyncio.AbstractEventLoop, dict[str, _Read]] = {}


async def shared_settings(ekyc_conn_id: str, *, since: float = 0.0) -> EkycSettings:
    """
    Return a connection's settings, from a read that another wait of this event loop has begun if there is one.

    A wait that is cancelled does not end the read of the others.

    :param ekyc_conn_id: Airflow connection of type ``ekyc``
    :param since: seconds of the monotonic clock; a read that was begun earlier will not do
    :raises EkycSettingsError: if the connection is wrong; the next call reads it again
    """
    loop = asyncio.get_running_loop()
    for closed in [other for other in _reads if other.is_closed()]:
        del _reads[closed]
    reads = _reads.setdefault(loop, {})
    read = reads.get(ekyc_conn_id)
    if read is None or not read.is_usable(since):
        read = reads[ekyc_conn_id] = _Read(loop.create_task(_read(ekyc_conn_id)), time.monotonic())
    return await asyncio.shield(read.task)


def forget_settings(ekyc_conn_id: str) -> None:
    """
    Have the next wait of this event loop read the connection again.

    :param ekyc_conn_id: of a query that was refused: it may have been corrected since
    """
    _reads.get(asyncio.get_running_loop(), {}).pop(ekyc_conn_id, None)


async def _read(ekyc_conn_id: str) -> EkycSettings:
    from airflow_provider_ekyc.hooks.ekyc import EkycHook

    return await EkycHook(ekyc_conn_id).async_settings()
