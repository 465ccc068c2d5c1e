"""A mapped submit task that is moved into a task group, under a real scheduler: nothing is paid twice."""

from __future__ import annotations

from typing import Any

import pytest

from dev.stack.compat.renamed_dag import AFTER, BEFORE, write
from dev.testing.waiting import wait_until
from tests.plugins.settled_airflow import SettledAirflow

pytestmark = pytest.mark.airflow


class RenamedDag:
    """
    A DAG whose submission, of two files, is given another id; one run of it.

    :param rows: numbers in each file, by which a charge is known
    """

    def __init__(self, settled: SettledAirflow, dag_id: str, conn_id: str, rows: tuple[int, int]) -> None:
        self._settled, self._rest = settled, settled.rest
        self.dag_id, self._conn_id, self._rows = dag_id, conn_id, rows
        for each in rows:
            numbers = (f"+9999{each}{number:08d}\n" for number in range(each))
            self._file(each).write_text("".join(numbers))

    def run(self) -> str:
        """Run it under the old id; return the state of the run."""
        self._write(BEFORE)
        self._rest.wait_for_dag(self.dag_id)
        self._rest.unpause(self.dag_id)
        self.run_id = self._rest.trigger(self.dag_id)
        return self._ended()

    def rename(self) -> None:
        """Give it the new id, and wait until Airflow knows it."""
        self._write(AFTER)
        assert wait_until(lambda: AFTER in self._rest.task_ids(self.dag_id), 60)

    def clear(self, *task_ids: str) -> str:
        """Clear tasks; return the state in which the run ends."""
        self._rest.clear(self.dag_id, self.run_id, list(task_ids))
        assert wait_until(lambda: self._rest.run(self.dag_id, self.run_id)["state"] not in ("success", "failed"))
        return self._ended()

    def charges(self) -> list[str]:
        """Return the remote tasks that were charged, of all files."""
        return [self.charge(index) for index in (0, 1)]

    def charge(self, index: int) -> str:
        """Return the one remote task of a file."""
        (ekyc_task_id,) = self._settled.charges(self._rows[index])
        return ekyc_task_id

    def unsettled(self, index: int) -> dict[str, Any]:
        """Return what a request has to name: the submission of a file under the old id."""
        name = self._rest.xcom(self.dag_id, self.run_id, BEFORE, "unsettled", map_index=index)["name"]
        return {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": BEFORE, "map_index": index, "name": name}

    def returned(self) -> list[str]:
        """Return the remote tasks that the submissions have returned under the new id."""
        return [self._rest.xcom(self.dag_id, self.run_id, AFTER, map_index=index) for index in (0, 1)]

    def _ended(self) -> str:
        return str(self._rest.wait_for_run(self.dag_id, self.run_id)["state"])

    def _file(self, rows: int) -> Any:
        return self._settled.folder / f"renamed-{rows}.txt"

    def _write(self, task_id: str) -> None:
        files = [str(self._file(each)) for each in self._rows]
        write(self._settled.dags, task_id, files, self._conn_id, dag_id=self.dag_id)


def test_an_earlier_run_that_is_cleared_afterwards_pays_nothing(settled: SettledAirflow) -> None:
    dag = RenamedDag(settled, "renamed", "ekyc_plain", (301, 302))
    assert dag.run() == "success"
    paid = dag.charges()
    dag.rename()
    assert dag.clear("done") == "success"
    assert dag.returned() == dag.charges() == paid


def test_an_unknown_outcome_is_settled_with_the_task_that_has_sent_the_list(settled: SettledAirflow) -> None:
    dag = RenamedDag(settled, "renamed_unknown", "ekyc_lost", (303, 304))
    assert dag.run() == "failed"
    paid = dag.charges()
    dag.rename()
    assert dag.clear("done") == "failed"
    assert dag.charges() == paid
    browser = settled.browser()
    for index in (0, 1):
        answer = browser.post("adopt", {**dag.unsettled(index), "ekyc_task_id": paid[index]})
        assert answer.status_code == 200
        # Airflow 3.3 answers a clear of a task that the DAG no longer has with "Internal Server Error".
        browser.write(answer.json())
    assert dag.clear(AFTER, "done") == "success"
    assert dag.returned() == dag.charges() == paid
