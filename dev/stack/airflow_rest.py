"""A small client of Airflow's public REST API: what the demo and the tests need to drive real runs.

Never the command line: each ``airflow ...`` call imports all of Airflow, for seconds.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote

from dev.stack.airflow_rest_session import AirflowRestError, Json, RestSession

__all__ = ["FINISHED", "AirflowRest", "AirflowRestError"]

FINISHED = frozenset({"success", "failed"})


class AirflowRest:
    """The REST API of one Airflow, as one user.

    :param url: address of the API server
    :param user: user name
    :param password: password
    """

    session_type: type[RestSession] = RestSession
    health_path = "monitor/health"

    def __init__(self, url: str, user: str, password: str) -> None:
        self._session = self.session_type(url, user, password)

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run.

        :param dag_id: the DAG
        """
        self._session.call("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def wait_for_dag(self, dag_id: str, timeout: float = 120.0) -> Json:
        """Wait until the dag-processor has read a DAG.

        :param dag_id: the DAG
        :param timeout: seconds
        :return: the DAG as the API describes it
        :raise TimeoutError: when it does not appear; the message holds the import errors
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self._session.call("GET", f"dags/{dag_id}")
            except AirflowRestError as error:
                if error.status != 404:
                    raise
            if time.monotonic() > deadline:
                raise TimeoutError(f"DAG {dag_id} did not appear. Import errors: {self.import_errors()}")
            time.sleep(0.5)

    def task_ids(self, dag_id: str) -> list[str]:
        """Return the ids of the tasks that a DAG has now.

        :param dag_id: the DAG
        """
        return [task["task_id"] for task in self._session.call("GET", f"dags/{dag_id}/tasks")["tasks"]]

    def dags(self) -> list[Json]:
        """List all DAGs.

        :return: the DAGs as the API describes them
        """
        return list(self._session.pages("dags", "dags"))

    def import_errors(self) -> list[Json]:
        """List what went wrong with DAG files.

        :return: entries with ``filename`` and ``stack_trace``
        """
        return list(self._session.pages("importErrors", "import_errors"))

    def trigger(self, dag_id: str, conf: Json | None = None, run_id: str | None = None) -> str:
        """Start a run of a DAG.

        :param dag_id: the DAG
        :param conf: parameters of the run
        :param run_id: the run's id; Airflow makes one by default
        :return: the run's id
        """
        body: Json = {"logical_date": None, "conf": conf or {}}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return str(self._session.call("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """Get one run.

        :param dag_id: the DAG
        :param run_id: the run
        :return: the run; its ``state`` is queued, running, success or failed
        """
        return self._session.call("GET", self._run_path(dag_id, run_id))

    def runs(self, dag_id: str, **filters: Any) -> list[Json]:
        """List the runs of a DAG.

        :param dag_id: the DAG
        :param filters: filters of the API, such as ``state="running"``
        :return: the runs
        """
        return list(self._session.pages(f"dags/{dag_id}/dagRuns", "dag_runs", **filters))

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 300.0, interval: float = 0.5) -> Json:
        """Wait until a run has ended.

        :param dag_id: the DAG
        :param run_id: the run
        :param timeout: seconds
        :param interval: seconds between two questions
        :return: the run
        :raise TimeoutError: when it still goes on; the message holds the tasks' states, and which of Airflow's
            components send heartbeats
        """
        deadline = time.monotonic() + timeout
        while True:
            run = self.run(dag_id, run_id)
            if run["state"] in FINISHED:
                return run
            if time.monotonic() > deadline:
                states = {
                    f"{task['task_id']}[{task['map_index']}]": task["state"]
                    for task in self.task_instances(dag_id, run_id)
                }
                health = self._session.call("GET", self.health_path)
                components = ", ".join(f"{name} {part['status']}" for name, part in health.items())
                raise TimeoutError(f"run {run_id} of {dag_id} is {run['state']}: {states}; {components}")
            time.sleep(interval)

    def patch_run(self, dag_id: str, run_id: str, state: str) -> Json:
        """Set the state of a run.

        :param dag_id: the DAG
        :param run_id: the run
        :param state: success, failed or queued
        :return: the run
        """
        return self._session.call("PATCH", self._run_path(dag_id, run_id), json={"state": state})

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """List all task instances of a run, mapped ones too.

        :param dag_id: the DAG
        :param run_id: the run
        :return: the task instances
        """
        return list(self._session.pages(f"{self._run_path(dag_id, run_id)}/taskInstances", "task_instances"))

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Json:
        """Get one task instance.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: index of a mapped task
        :return: the task instance
        """
        return self._session.call("GET", self._task_path(dag_id, run_id, task_id, map_index))

    def patch_task_instance(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = -1) -> Json:
        """Set the state of a task instance, as the buttons of the UI do.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param state: success, failed or skipped
        :param map_index: index of a mapped task
        :return: what the API answers
        """
        path = self._task_path(dag_id, run_id, task_id, map_index)
        return self._session.call("PATCH", path, json={"new_state": state})

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_ids: list[str | tuple[str, int]],
        *,
        downstream: bool = False,
        only_failed: bool = False,
        **more: Any,
    ) -> Json:
        """Clear task instances, so that they run again.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_ids: tasks; with their map index to clear one instance of a mapped task
        :param downstream: clear what comes after them too
        :param only_failed: leave out those that have not failed
        :param more: other fields of the call, such as ``keep_task_state`` (Airflow 3.4)
        :return: what the API answers
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [list(task) if isinstance(task, tuple) else task for task in task_ids],
            "include_downstream": downstream,
            "only_failed": only_failed,
            "reset_dag_runs": True,
            **more,
        }
        return self._session.call("POST", f"dags/{dag_id}/clearTaskInstances", json=body)

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Read the log of one try of a task, with what its trigger wrote while it was deferred.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: the try, from 1
        :param map_index: index of a mapped task
        :return: one line per message: time, level, text
        """
        return "\n".join(
            " ".join(str(entry[part]) for part in ("timestamp", "level", "event") if entry.get(part))
            + "".join(f"\n{cause.get('exc_type')}: {cause.get('exc_value')}" for cause in _causes(entry))
            for entry in self.log_entries(dag_id, run_id, task_id, try_number, map_index)
        )

    def log_entries(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1
    ) -> list[Json]:
        """Read the log of one try of a task as Airflow keeps it.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: the try, from 1
        :param map_index: index of a mapped task
        :return: entries with ``event`` and mostly ``timestamp``, ``level`` and ``logger``
        """
        path = f"{self._task_path(dag_id, run_id, task_id)}/logs/{try_number}"
        content = self._session.call("GET", path, params={"map_index": map_index, "full_content": True})["content"]
        return [entry if isinstance(entry, dict) else {"event": entry} for entry in content]

    def xcoms(self, dag_id: str, run_id: str, task_id: str = "~", map_index: int | None = None) -> list[Json]:
        """List XCom entries.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task; all tasks by default
        :param map_index: index of a mapped task; all by default
        :return: entries with ``key``, ``task_id``, ``map_index``
        """
        filters = {} if map_index is None else {"map_index": map_index}
        return list(
            self._session.pages(f"{self._task_path(dag_id, run_id, task_id)}/xcomEntries", "xcom_entries", **filters)
        )

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Read the value of one XCom.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param key: the XCom's key
        :param map_index: index of a mapped task
        :return: the value, deserialized
        """
        path = f"{self._task_path(dag_id, run_id, task_id)}/xcomEntries/{quote(key, safe='')}"
        return self._session.call("GET", path, params={"map_index": map_index, "deserialize": True})["value"]

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str | None]:
        """Return the buttons of a task, as its page shows them.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :return: the addresses by name; None where there is none
        """
        found = self._session.call("GET", f"{self._task_path(dag_id, run_id, task_id)}/links")
        return dict(found["extra_links"])

    def asset_events(self, **filters: Any) -> list[Json]:
        """List asset events.

        :param filters: filters of the API, such as ``source_dag_id``
        :return: the events with ``name``, ``uri`` and ``extra``
        """
        return list(self._session.pages("assets/events", "asset_events", **filters))

    def variables(self, prefix: str) -> list[Json]:
        """List Airflow's Variables.

        :param prefix: how their keys begin
        :return: the Variables, with ``key``, ``value`` and ``description``
        """
        found = self._session.pages("variables", "variables", variable_key_pattern=f"{prefix}%")
        return [each for each in found if each["key"].startswith(prefix)]

    def put_connection(self, conn_id: str, connection: Json) -> None:
        """Create a connection, or replace the one of this id.

        :param conn_id: its id
        :param connection: its fields, as in an environment variable: ``extra`` may be an object
        """
        extra = connection.get("extra", {})
        # Not null: the page of Airflow 3.3 sends an empty port as 0, and tests no connection whose port differs.
        body = {"port": 0, **connection, "extra": extra if isinstance(extra, str) else json.dumps(extra)}
        try:
            self._session.call("DELETE", f"connections/{conn_id}")
        except AirflowRestError as error:
            if error.status != 404:
                raise
        self._session.call("POST", "connections", json={"connection_id": conn_id, **body})

    def test_connection(self, connection: Json) -> bool:
        """Test a connection as the button of the UI does.

        :param connection: its fields, as the UI sends them
        :return: whether it works
        """
        return bool(self._session.call("POST", "connections/test", json=connection)["status"])

    def clear_task_state(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Delete all entries of a task's state store, as a clear does by default from Airflow 3.4 on.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        """
        self._session.call("DELETE", f"{self._task_path(dag_id, run_id, task_id)}/state-store")

    def _run_path(self, dag_id: str, run_id: str) -> str:
        return f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"

    def _task_path(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str:
        path = f"{self._run_path(dag_id, run_id)}/taskInstances/{task_id}"
        return path if map_index < 0 else f"{path}/{map_index}"


def _causes(entry: Json) -> list[Json]:
    return list(entry.get("error_detail") or [])
