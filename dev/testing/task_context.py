"""As much of Airflow's task context as the operators use."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any


class TaskInstance:
    """
    Stands in for the running task instance.

    :param dag_id: keeps tasks apart in a journal that they share
    :param map_index: of a mapped task, -1 for none
    :param max_tries: after which Airflow gives up; a clear raises it
    :param xcoms: keeps the XComs of this try, as JSON; a dictionary by default
    :param upstream: XComs of other tasks: task id and map index -> key -> value
    """

    start_date = None

    def __init__(
        self,
        *,
        dag_id: str = "a_dag",
        task_id: str = "a_task",
        run_id: str = "a_run",
        map_index: int = -1,
        try_number: int = 1,
        max_tries: int = 0,
        xcoms: MutableMapping[str, str] | None = None,
        upstream: Mapping[tuple[str, int], Mapping[str, Any]] | None = None,
    ) -> None:
        self.dag_id, self.task_id, self.run_id, self.map_index = dag_id, task_id, run_id, map_index
        self.try_number, self.max_tries = try_number, max_tries
        self._pushed: MutableMapping[str, str] = {} if xcoms is None else xcoms
        self._upstream = upstream or {}
        #: Task ids and map indexes whose XComs were read.
        self.pulled: list[tuple[str, int | None]] = []
        #: When a sensor in mode reschedule was rescheduled first.
        self.first_reschedule: datetime | None = None

    @property
    def xcoms(self) -> dict[str, Any]:
        """The XComs of this try."""
        return {key: json.loads(text) for key, text in self._pushed.items()}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom: as JSON, since what can't be JSON can't be one."""
        self._pushed[key] = json.dumps(value)

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        """Return another task's XCom, None if there is none; those of all map indexes if none is named."""
        self.pulled.append((task_ids, map_indexes))
        if map_indexes is None:
            return [pushed.get(key) for (task_id, _), pushed in self._upstream.items() if task_id == task_ids]
        return self._upstream.get((task_ids, map_indexes), {}).get(key)

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        """Return :attr:`first_reschedule`."""
        return self.first_reschedule


def context_of(ti: TaskInstance | None = None, **more: Any) -> Any:
    """
    Return the context of a task.

    :param ti: of the task; one that runs for the first time by default
    :param more: further entries of the context
    """
    return {"ti": ti or TaskInstance(), "outlet_events": {}, **more}
