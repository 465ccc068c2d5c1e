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


class FileVariables:
    """
    Stands in for Airflow's ``Variable``: text that outlives a try.

    :param folder: one file a key
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> str:
        """
        Return the value.

        :raises KeyError: if there is none, as Airflow 2 does
        """
        try:
            return (self._folder / key).read_text()
        except FileNotFoundError:
            raise KeyError(key) from None

    def set(self, key: str, value: str, description: str | None = None) -> None:
        """Write the value."""
        write_whole(self._folder / key, value)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys with a prefix."""
        return [path.name for path in self._folder.glob(f"{prefix}*")]


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
        self.max_tries = 2
        folder.mkdir(parents=True, exist_ok=True)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom."""
        write_whole(self._folder / key, json.dumps(value))

    def get_first_reschedule_date(self, context: Any) -> None:
        """Return None: there was none."""
