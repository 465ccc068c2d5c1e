"""Which addresses a process listens on."""

from __future__ import annotations

import psutil


def listening_addresses(pid: int) -> set[str]:
    """Look up the addresses on which a process and its descendants listen.

    :param pid: the process
    :return: IP addresses
    """
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return {
        connection.laddr.ip
        for member in family
        for connection in member.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
