"""Peak memory of this process (Linux)."""

from __future__ import annotations


def peak_memory_kib() -> int:
    """
    Return this process's peak resident memory, from ``VmHWM`` in ``/proc``.

    Not ``ru_maxrss``: Linux carries that over from the parent through fork and exec (getrusage(2)), so a small child
    would show the memory of the process that has started it.
    """
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
