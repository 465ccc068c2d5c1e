"""As much of Airflow's task context as the operators use, over files that outlive a kill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, as the database behind Airflow would."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


class Supervisor:
    """
    Stands in for the process that gives a task Airflow's Variables: the far end of ``SUPERVISOR_COMMS``.

    Airflow's own code asks it, as in a worker. Connections come from the environment, so it knows none.

    :param folder: one file a Variable
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def send(self, message: Any) -> Any:
        """Answer a request as the supervisor does."""
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time import comms

        match message:
            case comms.GetVariable(key=key):
                path = self._path(key)
                if path.exists():
                    return comms.VariableResult(key=key, value=path.read_text())
                return comms.ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND, detail={"key": key})
            case comms.PutVariable(key=key, value=value):
                write_whole(self._path(key), value or "")
                return comms.OKResponse(ok=True)
            case comms.DeleteVariable(key=key):
                self._path(key).unlink(missing_ok=True)
                return comms.OKResponse(ok=True)
            case comms.GetVariableKeys(prefix=prefix, limit=limit, offset=offset):
                names = sorted(unquote(path.name) for path in self._folder.glob("[!.]*"))
                keys = [name for name in names if name.startswith(prefix or "")]
                return comms.VariableKeysResult(keys=keys[offset : offset + limit], total_entries=len(keys))
            case comms.GetConnection(conn_id=conn_id):
                return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": conn_id})
            case comms.MaskSecret():
                return None
        raise LookupError(f"the supervisor's stand-in knows no {type(message).__name__}")

    def _path(self, key: str) -> Path:
        return self._folder / quote(key, safe="")


class TaskInstance:
    """
    Stands in for the running task instance.

    :param folder: keeps the XComs of this try, as Airflow clears them before each
    :param dag_id: keeps cases apart in a journal that they share
    :param map_index: of a mapped task, -1 for none
    :param max_tries: after which Airflow gives up; a clear raises it
    """

    start_date = None
    task_id, run_id = "a_task", "a_run"

    def __init__(self, folder: Path, dag_id: str, try_number: int, map_index: int, max_tries: int) -> None:
        self._folder = folder
        self.dag_id = dag_id
        self.try_number = try_number
        self.map_index = map_index
        self.max_tries = max_tries
        folder.mkdir(parents=True, exist_ok=True)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom."""
        write_whole(self._folder / key, json.dumps(value))

    def get_first_reschedule_date(self, context: Any) -> None:
        """Return None: there was none."""
