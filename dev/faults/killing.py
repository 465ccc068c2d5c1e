"""SIGKILL of one's own process at a point, by wrapping the provider's functions from outside."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from dev.faults.points import Point

#: The beginning of the request that puts an object.
_PUT = b"PUT "

_marks: list[Path] = []


def leave_marks_in(folder: Path) -> None:
    """Have each death leave an empty file, so that deaths can be counted whoever the parent is."""
    _marks.append(folder)


def deaths_in(folder: Path) -> list[Path]:
    """Return the files that deaths have left."""
    return list(folder.glob("death-*"))


def die() -> NoReturn:
    """End this process as the kernel's memory killer would: nothing is flushed, closed or said."""
    for folder in _marks:
        (folder / f"death-{os.getpid()}-{time.monotonic_ns()}").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemError("a process outlived its own SIGKILL")


def die_at(point: Point) -> None:
    """
    Arrange that this process dies when it reaches the point.

    :raises LookupError: if one of the point's functions does not exist, so that a renamed one is noticed
    """
    act_at(point, die)


def act_at(point: Point, act: Callable[[], None]) -> None:
    """
    Arrange that something is done whenever this process reaches the point, which then continues.

    :raises LookupError: if one of the point's functions does not exist
    """
    if point.in_parts:
        upload_in_parts()
    for target in point.targets:
        holder, name = _find(target)
        setattr(holder, name, _interrupted(getattr(holder, name), target, point, act))


def upload_in_parts() -> None:
    """Arrange that results of any size go up in parts; one so small is a single one."""
    from airflow_provider_ekyc.s3 import target

    target.SINGLE_PUT = 0


def die_after(seconds: float) -> None:
    """Arrange that this process dies after so many seconds, wherever it is then."""

    def wait() -> None:
        time.sleep(seconds)
        die()

    threading.Thread(target=wait, name="death", daemon=True).start()


def _find(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    *parents, name = path.split(".")
    holder: Any = import_module(module)
    for parent in parents:
        holder = getattr(holder, parent)
    if not hasattr(holder, name):
        raise LookupError(f"{target} is no more; correct dev/faults/points.py")
    return holder, name


def _interrupted(
    function: Callable[..., Any], target: str, point: Point, act: Callable[[], None]
) -> Callable[..., Any]:
    if target.endswith("AWSConnection.send"):
        return _in_the_put(function, act)
    if target.endswith("AWSHTTPConnection.getresponse"):
        return _behind_the_put(function, act)
    if target.endswith("UploadBody.__iter__") or point.when == "inside":
        # The head of a multipart form is a piece too, and not the one to be in.
        return _in_the_stream(function, act, point.when, longer_than=1000 if "UploadBody" in target else 1)

    @functools.wraps(function)
    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            act()
        result = function(*args, **kwargs)
        if point.when == "after":
            act()
        return result

    return interrupted


def _in_the_stream(
    function: Callable[..., Iterator[bytes]], act: Callable[[], None], when: str, longer_than: int
) -> Callable[..., Iterator[bytes]]:
    """Act before the first piece, behind half of a long one, or behind the last, once it was taken."""

    @functools.wraps(function)
    def interrupted(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        if when == "before":
            act()
        for piece in function(*args, **kwargs):
            half = len(piece) // 2 if when == "inside" and len(piece) > longer_than else 0
            if half:
                yield piece[:half]
                act()
            yield piece[half:]
        if when == "after":
            act()

    return interrupted


def _in_the_put(function: Callable[..., Any], act: Callable[[], None]) -> Callable[..., Any]:
    putting = threading.local()

    @functools.wraps(function)
    def interrupted(self: Any, data: Any) -> Any:
        if isinstance(data, bytes) and data.startswith(_PUT):
            putting.now = True
        elif isinstance(data, bytes) and getattr(putting, "now", False) and len(data) > 1:
            function(self, data[: len(data) // 2])
            # A moment for the kernel to send it: what the server has is then half of the object.
            time.sleep(0.05)
            act()
            data = data[len(data) // 2 :]
        return function(self, data)

    return interrupted


def _behind_the_put(function: Callable[..., Any], act: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def interrupted(self: Any, *args: Any, **kwargs: Any) -> Any:
        # http.client keeps the method of the request whose answer is due.
        if getattr(self, "_method", None) == "PUT":
            time.sleep(0.2)  # the server is to have put it
            act()
        return function(self, *args, **kwargs)

    return interrupted
