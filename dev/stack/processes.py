"""Child processes that are ended by the one who started them, and with it if it dies."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.stack import process_guard

LOOPBACK = "127.0.0.1"
TAIL_LINES = 25

# Below the range from which systems take the ports of outgoing connections, so that none of those can take
# a port between the moment it was found free and the moment its server binds it.
PORT_RANGE = range(20_000, 32_000)


class ProcessError(Exception):
    """A child process did not start, or did not become ready. The message ends with its log's tail."""


def free_ports(count: int) -> list[int]:
    """Find ports that are free on 127.0.0.1, all different, and that no other process was given here.

    A server binds its port a moment later, in which the test of another process may look for one too. So each port is
    a byte of one file, and the process that was given it holds the byte's lock until it ends.

    :param count: how many
    :return: the port numbers
    """
    found: list[int] = []
    for port in random.sample(PORT_RANGE, len(PORT_RANGE)):
        if len(found) == count:
            break
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                fcntl.lockf(_given_ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        found.append(port)
    if len(found) < count:
        raise ProcessError(f"no {count} free ports on {LOOPBACK}")
    return found


@functools.cache
def _given_ports() -> int:
    """Open the file once: a process that closes any descriptor of a file loses its locks on it (``fcntl(2)``)."""
    return os.open(Path(tempfile.gettempdir()) / f"ekyc-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def log_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Read the end of a log file.

    :param path: the file
    :param lines: how many lines at most
    :return: the last lines, or an empty text when there is no file
    """
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 64 * 1024))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class Stoppable(ABC):
    """What is started when its context begins, and stopped when it ends or could not begin."""

    def start(self) -> None:
        """Start it; by default it has started already, in its constructor."""
        return

    @abstractmethod
    def stop(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class ChildProcess(Stoppable):
    """One program, started at once, with its output in a file.

    It runs in a session of its own (a Ctrl-C in the terminal reaches the parent alone, which then ends its
    children in order) under a guard that ends its whole tree when the parent is gone.

    :param name: what to call it in messages
    :param command: program and arguments
    :param log_file: takes its output, appended
    :param env: the whole environment; that of this process by default
    :param directory: working directory
    :param grace: seconds between SIGTERM and SIGKILL
    :param scratch: files and folders to remove once it has ended, however it ended
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_file: Path,
        *,
        env: Mapping[str, str] | None = None,
        directory: Path | None = None,
        grace: float = 15.0,
        scratch: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.log_file = log_file
        self.grace = grace
        self.started_at = time.time()
        self._asked_to_end = False
        log_file.parent.mkdir(parents=True, exist_ok=True)
        control_read, self._control = os.pipe()
        report_read, report_write = os.pipe()
        guard = [sys.executable, "-I", "-S", str(Path(process_guard.__file__))]
        removals = [str(len(scratch)), *(str(path) for path in scratch)]
        try:
            with log_file.open("ab") as log:
                self._guard = subprocess.Popen(
                    [*guard, str(control_read), str(report_write), str(grace), *removals, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=None if env is None else dict(env),
                    cwd=directory,
                    pass_fds=(control_read, report_write),
                    start_new_session=True,
                )
        except OSError:
            os.close(self._control)
            os.close(report_read)
            raise
        finally:
            os.close(control_read)
            os.close(report_write)
        with os.fdopen(report_read) as report:
            line = report.readline().strip()
        if not line:
            raise ProcessError(f"{name} could not be started.\n{log_tail(log_file)}")
        self.pid = int(line)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._guard.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, 128 + the signal that ended it, or None while it runs."""
        return self._guard.poll()

    def wait(self, timeout: float) -> int:
        """Wait until it has ended by itself.

        :param timeout: seconds
        :return: its exit code
        :raise ProcessError: when it still runs at the deadline
        """
        try:
            return self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} still runs after {timeout:.0f} s.\n{log_tail(self.log_file)}") from None

    def wait_until(self, ready: Callable[[], bool], timeout: float, interval: float = 0.1) -> None:
        """Wait until it is ready.

        :param ready: asked again and again; False means "not yet"
        :param timeout: seconds until the wait is given up
        :param interval: seconds between two questions
        :raise ProcessError: when it ended, or was not ready in time
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive:
                reason = f"ended with exit code {self.exit_code} before it was ready"
            elif time.monotonic() > deadline:
                reason = f"was not ready after {timeout:.0f} s"
            else:
                time.sleep(interval)
                continue
            raise ProcessError(f"{self.name} {reason}. The end of {self.log_file}:\n{log_tail(self.log_file)}")

    def terminate(self) -> None:
        """Ask it to end (SIGTERM) and return at once; :meth:`stop` then waits."""
        # Once: Airflow's components take a second SIGTERM as "at once, whatever is going on".
        if not self._asked_to_end:
            self._asked_to_end = True
            self._order(process_guard.TERMINATE)

    def stop(self, grace: float | None = None) -> None:
        """End it: SIGTERM, after the grace time SIGKILL to all of its tree.

        :param grace: another grace time than its own, in seconds
        """
        self.terminate()
        try:
            self._guard.wait(self.grace if grace is None else grace)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End it and all of its tree with SIGKILL, as a machine that goes away would."""
        self._order(process_guard.KILL)
        self._guard.wait(15)
        self._close()

    def _order(self, order: bytes) -> None:
        if self._control < 0 or not self.alive:
            return
        try:
            os.write(self._control, order)
        except BrokenPipeError:
            return

    def _close(self) -> None:
        if self._control >= 0:
            os.close(self._control)
            self._control = -1
