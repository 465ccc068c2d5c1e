"""The guard of one child process: ends its whole tree when ordered to, or when the parent is gone.

Run as a script, by :class:`dev.stack.processes.ChildProcess`, with nothing but the standard library. Why a
process of its own:

* ``PR_SET_PDEATHSIG`` reaches the direct child alone, and fires when the *thread* that forked it ends. A
  pipe from the parent reaches its end however the parent dies, kill -9 included.
* Killing a process group misses Airflow's task processes: each makes a group of its own. The guard is the
  *subreaper* of its tree (Linux), so what loses its parent becomes the guard's child and is ended too.

It holds the child's id as its parent, so no signal can ever hit a process that reused the number.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

TERMINATE = b"T"
KILL = b"K"


def set_process_option(option: int, value: int) -> None:
    """Call ``prctl``; systems other than Linux have none and do without.

    :param option: which option
    :param value: its new value
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def spawn(command: list[str]) -> int:
    """Start the command in a session, and so a process group, of its own.

    :param command: program and arguments
    :return: its process id, which is its group's too
    """
    guard = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        # If somebody kills the guard itself. Single-threaded, so "the forking thread" is the guard.
        set_process_option(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def terminate(child: int) -> None:
    """Ask the child to end, and leave it to the child to end its own: each Airflow component does.

    Not its group: what hears SIGTERM twice, from here and from its parent, ends at once instead of in
    order, and the triggerer then waits ten seconds for the process that is gone already.

    :param child: its process id
    """
    os.kill(child, signal.SIGTERM)


def kill(child: int) -> None:
    """Kill the child's group; :func:`end_leftovers` then ends what made a group of its own.

    :param child: process id and group id
    """
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        # Between fork and setsid there is no such group yet.
        os.kill(child, signal.SIGKILL)


def reap() -> dict[int, int]:
    """Collect every process that ended.

    :return: wait status by process id
    """
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def end_leftovers() -> None:
    """Kill what the child left behind, until nothing of its tree is alive."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and listing.exists():
        reap()
        alive = [int(word) for word in listing.read_text().split()]
        if not alive:
            return
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def watch(control: int, child: int, grace: float) -> int:
    """Obey the control pipe until the child has ended.

    :param control: read end of the pipe whose write end only the parent holds
    :param child: process id of the child
    :param grace: seconds between SIGTERM and SIGKILL after the parent is gone
    :return: wait status of the child
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    sources = [control, wake_read]
    kill_at: float | None = None
    while True:
        # Before the wait: the child may have ended before the handler was there.
        ended = reap()
        if child in ended:
            return ended[child]
        timeout = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(sources, [], [], timeout)
        if wake_read in ready:
            os.read(wake_read, 4096)
        if control in ready:
            order = os.read(control, 1)
            if order == KILL:
                kill(child)
            elif order == TERMINATE:
                terminate(child)
            else:
                sources.remove(control)
                terminate(child)
                kill_at = time.monotonic() + grace
        if kill_at is not None and time.monotonic() >= kill_at:
            kill(child)
            kill_at = None


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there.

    :param path: which
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Start the command, guard it, and remove what it leaves in the file system.

    :param arguments: control pipe, report pipe, grace in seconds, how many paths to remove, these paths,
        then the command
    :return: the child's exit code; 128 + the signal that ended it
    """
    control, report, grace, paths = int(arguments[0]), int(arguments[1]), float(arguments[2]), int(arguments[3])
    scratch, command = arguments[4 : 4 + paths], arguments[4 + paths :]
    set_process_option(PR_SET_CHILD_SUBREAPER, 1)
    os.set_inheritable(control, False)
    os.set_inheritable(report, False)
    child = spawn(command)
    os.write(report, f"{child}\n".encode())
    os.close(report)
    status = watch(control, child, grace)
    end_leftovers()
    for path in scratch:
        remove(Path(path))
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
