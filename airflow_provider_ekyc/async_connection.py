"""Read an Airflow connection within an event loop, on every version of Airflow."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_sdk import Connection

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseHook


async def read_connection(conn_id: str, hook: BaseHook) -> tuple[Connection, dict[str, Any]]:
    """
    Read a connection without blocking the event loop.

    From Airflow 3.3.2 with Airflow's own asynchronous methods. Earlier ones mask the connection's secrets with a
    blocking call to the supervisor, which fails (``DeadlockImminentError``) while another call of the same loop is
    under way; below 3.1 there are none. There the blocking methods run in asgiref's worker thread: the supervisor's
    client finds its way back to the loop through asgiref, which a thread of ``asyncio.to_thread`` does not allow. They
    run there in ``dag.test()`` and ``airflow dags test``, too.

    :param conn_id: the connection
    :param hook: the hook that reads it
    :return: the connection, and its extra as a dictionary, which is empty if the extra is not JSON
    :raises AirflowNotFoundException: if Airflow does not find the connection
    """
    # aextra_dejson was added together with the asynchronous masking, in 3.3.2.
    if hasattr(Connection, "aextra_dejson") and not _has_blocking_supervisor():
        connection = await hook.aget_connection(conn_id)
        if hasattr(connection, "aextra_dejson"):
            return connection, await connection.aextra_dejson()
        # LocalFilesystemBackend returns the class of Airflow's database, which masks without a call to the supervisor.
        return connection, connection.extra_dejson

    from asgiref.sync import sync_to_async

    def read() -> tuple[Connection, dict[str, Any]]:
        connection = hook.get_connection(conn_id)
        return connection, connection.extra_dejson

    return await sync_to_async(read)()


def _has_blocking_supervisor() -> bool:
    """
    Return whether the supervisor has no asynchronous calls, as that of ``dag.test()`` and ``airflow dags test``.

    Airflow's asynchronous methods then find no connection of its database, and do not say why.
    """
    supervisor = getattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)
    return supervisor is not None and not hasattr(supervisor, "asend")
