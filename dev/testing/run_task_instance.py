"""A running task instance that answers for all task instances of its run, as Airflow 3 does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dev.testing.task_context import TaskInstance


class RunTaskInstance(TaskInstance):
    """
    Stands in for the running task instance.

    :param instances: task id and map index of each task instance of the run
    """

    def __init__(self, instances: Sequence[tuple[str, int]], **more: Any) -> None:
        super().__init__(**more)
        self._instances = instances
        #: How often it was asked.
        self.calls = 0
        #: The task ids of each count.
        self.counted: list[list[str] | None] = []

    def get_ti_count(self, *, dag_id: str, run_ids: Sequence[str], task_ids: list[str] | None = None) -> int:
        """Return how many task instances the run has, of some tasks or of all."""
        self.counted.append(task_ids)
        return len(self._of(dag_id, run_ids, task_ids))

    def get_task_states(self, *, dag_id: str, run_ids: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Return the states of all task instances of the run, by the names that Airflow gives them there."""
        names = [name if index < 0 else f"{name}_{index}" for name, index in self._of(dag_id, run_ids, None)]
        return {self.run_id: dict.fromkeys(names, "success")} if names else {}

    def _of(self, dag_id: str, run_ids: Sequence[str], task_ids: Collection[str] | None) -> list[tuple[str, int]]:
        self.calls += 1
        assert (dag_id, list(run_ids)) == (self.dag_id, [self.run_id])
        # Airflow leaves an empty list of ids out of the request.
        return [each for each in self._instances if not task_ids or each[0] in task_ids]
