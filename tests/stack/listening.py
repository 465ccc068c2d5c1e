"""Which addresses a process listens on."""

from __future__ import annotations

import contextlib

import psutil


def listening_addresses(pid: int) -> set[str]:
    """Look up the addresses on which a process and its descendants listen.

    :param pid: the process
    :return: IP addresses
    """
    process = psutil.Process(pid)
    addresses = _listening(process)
    for descendant in process.children(recursive=True):
        # One that parses a DAG file may have ended since it was listed.
        with contextlib.suppress(psutil.NoSuchProcess):
            addresses |= _listening(descendant)
    return addresses


def _listening(process: psutil.Process) -> set[str]:
    connections = process.net_connections(kind="inet")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
