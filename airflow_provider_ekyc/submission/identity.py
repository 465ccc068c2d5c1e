"""The task instance that a record belongs to."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Start of the id of a run of ``airflow tasks test``, which ends with the command.
_TEMPORARY_RUN = "__airflow_temporary_run_"


@dataclass(frozen=True, slots=True)
class TaskIdentity:
    """
    A task instance and its try.

    :param iteration: of a looped task group (Airflow 3.4), from 0, or None outside of one
    :param map_index: -1 if it is not mapped
    :param max_tries: Airflow's limit of tries; a clear raises it
    :param is_test: whether ``airflow tasks test`` or ``dag.test()`` runs it: each call makes a run of its own
    :param run_started: time at which the run started, or restarted after a clear; None if that is not known
    :param clear_number: how often the run was cleared, as Airflow counts it: from 3.2 on each time, before only where
        the run was finished; None if that is not known
    """

    dag_id: str
    task_id: str
    run_id: str
    iteration: int | None
    map_index: int
    try_number: int
    max_tries: int
    is_test: bool = False
    run_started: datetime | None = None
    clear_number: int | None = None

    @property
    def digest(self) -> str:
        """
        Sixteen hex digits that identify the task in its run, and in its iteration of a loop.

        The map index is not part of it: when a mapped list has changed, each file finds its own record.
        """
        parts = [
            self.dag_id,
            self.task_id,
            self.run_id,
            *([] if self.iteration is None else [f"loop {self.iteration}"]),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def identity_of(ti: Any, loop: Any = None, dag_run: Any = None) -> TaskIdentity:
    """
    Return the identity of Airflow's task instance.

    The ``region_id`` of Airflow 3.4 is not part of it: a mapped task outside of a loop has one as well, and a clear may
    change it. Loops can't be nested, nor be inside a mapped group, so the iteration is enough.

    :param ti: ``context["ti"]``, of any version of Airflow
    :param dag_run: ``context.get("dag_run")``
    :param loop: ``context.get("loop")``, which Airflow 3.4 sets in a looped task group
    """
    return TaskIdentity(
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run_id,
        iteration=None if loop is None else loop.index,
        map_index=-1 if ti.map_index is None else ti.map_index,
        try_number=ti.try_number,
        max_tries=getattr(ti, "max_tries", None) or 0,
        is_test=ti.run_id.startswith(_TEMPORARY_RUN) or _runs_in_one_process(),
        run_started=getattr(dag_run, "start_date", None),
        clear_number=getattr(dag_run, "clear_number", None),
    )


def _runs_in_one_process() -> bool:
    """Whether the task runs in the process of ``dag.test()`` (Airflow 3), by the object that answers its requests."""
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return type(getattr(runner, "SUPERVISOR_COMMS", None)).__name__ == "InProcessSupervisorComms"
