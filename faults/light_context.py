"""As much of Airflow's task context as the operators use, over files that outlive a kill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, as the database behind Airflow would."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


class FileStateStore:
    """
    Stands in for ``context["task_state_store"]``: JSON values that outlive a try.

    :param folder: one file a key
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Any:
        """Return the value, or None."""
        path = self._folder / key
        return json.loads(path.read_text()) if path.exists() else None

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Write the value; it is kept for ever."""
        write_whole(self._folder / key, json.dumps(value))

    def delete(self, key: str) -> None:
        """Delete the key, if it is there."""
        (self._folder / key).unlink(missing_ok=True)


class TaskInstance:
    """
    Stands in for the running task instance.

    :param folder: keeps the XComs of this try, as Airflow clears them before each
    :param dag_id: keeps cases apart in a journal that they share
    """

    start_date = None
    task_id, run_id, map_index = "a_task", "a_run", -1

    def __init__(self, folder: Path, dag_id: str, try_number: int) -> None:
        self._folder = folder
        self.dag_id = dag_id
        self.try_number = try_number
        folder.mkdir(parents=True, exist_ok=True)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom."""
        write_whole(self._folder / key, json.dumps(value))

    def get_first_reschedule_date(self, context: Any) -> None:
        """Return None: there was none."""
