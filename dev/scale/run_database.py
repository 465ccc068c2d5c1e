"""What Airflow's own database says of a run: read there, since hundreds of calls of REST would be a load themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from dev.stack.postgres_server import PostgresServer

#: States of a task that nothing more happens to.
ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


@dataclass(frozen=True)
class Try:
    """A try of a task that was queued or running at a moment.

    :param id: of the task instance; each try has its own from Airflow 3 on
    :param state: ``queued`` or ``running``
    :param queued_at: when it was queued, as text: a try that is queued again has the same id
    """

    id: str
    state: str
    queued_at: str


class RunDatabase:
    """Reads of one run.

    :param server: holds Airflow's database
    :param run_id: the run
    """

    def __init__(self, server: PostgresServer, run_id: str) -> None:
        self._connection = server.connect()
        self._connection.autocommit = True
        self._run_id = run_id

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def state(self) -> str:
        """Return the state of the run."""
        return str(self._rows("select state from dag_run where run_id = %s", self._run_id)[0][0])

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how many task instances there are, by the last part of the task's id and state.

        Before it is mapped, a task is one task instance, with the map index -1; that one is left out.
        """
        rows = self._rows(
            "select task_id, coalesce(state, 'none'), count(*) from task_instance where run_id = %s"
            " and (map_index >= 0 or task_id not like '%%.each_file.%%') group by 1, 2",
            self._run_id,
        )
        return Counter({(str(task).rpartition(".")[2], str(state)): int(count) for task, state, count in rows})

    def tries_under_way(self) -> frozenset[Try]:
        """Return the tries that are queued or running."""
        rows = self._rows(
            "select id::text, state, coalesce(queued_dttm::text, '') from task_instance"
            " where run_id = %s and state in ('queued', 'running')",
            self._run_id,
        )
        return frozenset(Try(*map(str, row)) for row in rows)

    def triggerers(self) -> Counter[int]:
        """Return how many deferred tasks each triggerer has, by the id of its job; 0 stands for none yet."""
        rows = self._rows(
            "select coalesce(t.triggerer_id, 0), count(*) from trigger t join task_instance i on i.trigger_id = t.id"
            " where i.run_id = %s and i.state = 'deferred' group by 1",
            self._run_id,
        )
        return Counter({int(job): int(count) for job, count in rows})

    def first_triggerer(self) -> int:
        """Return the id of the job of the triggerer that was started first and runs."""
        rows = self._rows("select min(id) from job where job_type = 'TriggererJob' and state = 'running'")
        return int(rows[0][0])

    def failed_tries(self) -> Counter[str]:
        """Return how many tries have begun and ended without success, by the last part of the task's id."""
        rows = self._rows(
            "select task_id, count(*) from task_instance_history where run_id = %s"
            " and state not in ('success', 'deferred', 'upstream_failed', 'skipped') group by 1",
            self._run_id,
        )
        return Counter({str(task).rpartition(".")[2]: int(count) for task, count in rows})

    def tasks_by_try(self) -> dict[str, str]:
        """Return the task's id by the id of each try, of those that have ended too."""
        rows = self._rows(
            "select id::text, task_id from task_instance where run_id = %s union"
            " select task_instance_id::text, task_id from task_instance_history where run_id = %s",
            self._run_id,
            self._run_id,
        )
        return {str(each): str(task) for each, task in rows}

    def events(self) -> Counter[str]:
        """Return how often each event of Airflow's audit log was written for tasks that got stuck or were lost."""
        rows = self._rows(
            "select event, count(*) from log where run_id = %s"
            " and (event like 'stuck%%' or event like '%%heartbeat%%' or event like 'state mismatch%%') group by 1",
            self._run_id,
        )
        return Counter({str(event): int(count) for event, count in rows})

    def unsuccessful(self) -> list[tuple[str, int, str]]:
        """Return task, map index and state of each task instance that has not succeeded."""
        rows = self._rows(
            "select task_id, map_index, coalesce(state, 'none') from task_instance where run_id = %s"
            " and coalesce(state, 'none') <> 'success' order by 1, 2",
            self._run_id,
        )
        return [(str(task), int(index), str(state)) for task, index, state in rows]

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())
