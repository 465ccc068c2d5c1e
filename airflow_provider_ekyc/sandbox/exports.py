"""Archives on disk: each is written once, in a thread, when somebody first needs it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from airflow_provider_ekyc.sandbox.archive import Flaw, write_archive
from airflow_provider_ekyc.sandbox.state import AcceptedTask, SandboxState


@dataclass(frozen=True)
class Archive:
    """One finished archive.

    :param path: where it is.
    :param size: bytes.
    :param etag: as S3 gives it to an object that was put in one piece: its MD5, in quotes.
    """

    path: Path
    size: int
    etag: str


class Exports:
    """The archives of one sandbox; belongs to its event loop.

    :param state: what the sandbox holds.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._writing: dict[tuple[str, Flaw, int], asyncio.Task[Archive]] = {}

    async def archive(self, task: AcceptedTask, flaw: Flaw = "none", flaw_rows: int = 0) -> Archive:
        """The archive of a task, written first if nobody asked for it before.

        :param task: whose.
        :param flaw: what should be wrong with it.
        :param flaw_rows: how many rows the flaw is about.
        :raises Stopped: if the sandbox closes meanwhile.
        :raises OSError: if the disk does not take it.
        """
        return await asyncio.shield(self._task(task, flaw, flaw_rows))

    async def is_ready(self, task: AcceptedTask, patience_seconds: float) -> bool:
        """Start writing the archive of a task and say whether it is there.

        :param task: whose.
        :param patience_seconds: how long to wait for it.
        :raises Stopped: if the sandbox closes meanwhile.
        :raises OSError: if the disk does not take it.
        """
        writing = self._task(task, "none", 0)
        done, _ = await asyncio.wait([writing], timeout=patience_seconds)
        for finished in done:
            finished.result()
        return bool(done)

    async def close(self) -> None:
        """Wait for the threads; the state must say that the sandbox is closing, so that they stop."""
        await asyncio.gather(*self._writing.values(), return_exceptions=True)

    def _task(self, task: AcceptedTask, flaw: Flaw, flaw_rows: int) -> asyncio.Task[Archive]:
        key = (task.task_id, flaw, flaw_rows)
        before = self._writing.get(key)
        # A disk that was full a minute ago may take it now.
        if before is None or (before.done() and (before.cancelled() or before.exception())):
            self._writing[key] = asyncio.create_task(asyncio.to_thread(self._write, task, flaw, flaw_rows))
        return self._writing[key]

    def _write(self, task: AcceptedTask, flaw: Flaw, flaw_rows: int) -> Archive:
        path = self._state.directory / f"{task.task_id}.{flaw}.{flaw_rows}.zip"
        recipe = replace(task.recipe, flaw=flaw, flaw_rows=flaw_rows)
        write_archive(self._state.rows_file(task.task_id), path, recipe, self._state.closing.is_set)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            return Archive(path, os.fstat(file.fileno()).st_size, f'"{digest.hexdigest()}"')
