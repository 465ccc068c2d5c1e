"""Memory, disk, open files and time of one input, by the kernel's own counts."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

#: Bytes of memory above what the process has when an input begins.
MEMORY_BOUND = 150 * 1024 * 1024

#: Seconds that an input may take.
TIME_BOUND = 20.0

#: Bytes that any input may write beside its multiple of its own size.
DISK_SLACK = 256 * 1024

_ADDRESS_SPACE = 6 * 1024**3  # above what the process has: an input must fail before the machine does
_KEPT = 24 * 1024 * 1024  # bytes that an input may find kept of earlier ones
_CLOSING = 2.0  # seconds for a server's thread to close its end of a connection


class TookTooLong(BaseException):
    """An input has used up its time; no ``except Exception`` of the code under test may catch it."""


@dataclass(slots=True)
class Use:
    """
    What an input has used.

    :param memory: bytes at the peak, above what the process had when the input began
    :param written: bytes written to files
    :param seconds: wall clock
    :param left_open: files and sockets that were not closed
    :param left_files: names left in the spool directory
    """

    memory: int = 0
    written: int = 0
    seconds: float = 0.0
    left_open: list[str] = field(default_factory=list)
    left_files: list[str] = field(default_factory=list)


class Meter:
    """Measures inputs in this process, one after the other, and their files in a spool directory."""

    def __init__(self, spool_dir: Path) -> None:
        self._spool_dir = spool_dir
        self._idle = self._floor = _memory("VmRSS")
        signal.signal(signal.SIGALRM, _too_long)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _ADDRESS_SPACE, resource.RLIM_INFINITY))

    @contextmanager
    def measure(self, disk_bound: int, patience: float = 1.0) -> Iterator[Use]:
        """
        Measure what the block uses.

        :param disk_bound: bytes; a single file can't grow above it, whatever writes it
        :param patience: how many times as long as others it may take
        :raises TookTooLong: in the block, at the end of its time
        """
        use = Use()
        if _memory("VmRSS") - self._floor > _KEPT:
            _give_back()
            self._floor = max(self._idle, _memory("VmRSS"))  # what is left is in use: not to be tried each time
        before, written, at_start = _open_files(), _written(), _memory("VmRSS")
        # Resets VmHWM to what is in memory now (proc(5), clear_refs).
        Path("/proc/self/clear_refs").write_text("5")
        resource.setrlimit(resource.RLIMIT_FSIZE, (disk_bound, resource.RLIM_INFINITY))
        started = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, TIME_BOUND * patience)
        try:
            yield use
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            use.seconds = time.monotonic() - started
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            use.memory = max(0, _memory("VmHWM") - at_start)
            use.written = _written() - written
            use.left_open = _left_open(before)
            use.left_files = sorted(os.listdir(self._spool_dir))


def _give_back() -> None:
    """Give the memory back that is nobody's any more, and that the allocator keeps for later (malloc_trim(3))."""
    gc.collect()
    gc.freeze()  # what was imported meanwhile stays: a collection behind each transfer need not look at it again
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong


def _memory(name: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(f"{name}:"))


def _written() -> int:
    """Bytes that went into files and pipes; what goes into sockets is not in it."""
    with open("/proc/self/io") as book:
        return next(int(line.split()[1]) for line in book if line.startswith("wchar:"))


def _open_files() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the directory that was just listed
    return found


def _left_open(before: dict[str, str]) -> list[str]:
    until, pause = time.monotonic() + _CLOSING, 0.005
    while True:
        now = _open_files()
        left = [where for name, where in now.items() if before.get(name) != where]
        if not left or time.monotonic() > until:
            return left
        gc.collect()  # what hangs in a circle is closed when it is collected
        time.sleep(pause)
        pause = min(2 * pause, 0.2)
