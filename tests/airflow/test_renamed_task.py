"""A mapped submit task that is moved into a task group, under a real scheduler: nothing is paid twice."""

from __future__ import annotations

import pytest

from dev.stack.compat import renamed_dag
from dev.testing.waiting import wait_until
from tests.plugins.settled_airflow import SettledAirflow

pytestmark = pytest.mark.airflow

#: Numbers in each file, by which a charge is known.
ROWS = (301, 302)


def test_an_earlier_run_that_is_cleared_after_it_pays_nothing(settled: SettledAirflow) -> None:
    files = [settled.folder / f"renamed-{rows}.txt" for rows in ROWS]
    for file, rows in zip(files, ROWS, strict=True):
        file.write_text("".join(f"+9999{rows}{number:08d}\n" for number in range(rows)))
    rest, dag_id = settled.rest, renamed_dag.DAG_ID

    def write(task_id: str) -> None:
        renamed_dag.write(settled.dags, task_id, [str(file) for file in files], conn_id="ekyc_plain")

    write(renamed_dag.BEFORE)
    rest.wait_for_dag(dag_id)
    rest.unpause(dag_id)
    run_id = rest.trigger(dag_id)
    assert rest.wait_for_run(dag_id, run_id)["state"] == "success"
    paid = settled.charges(*ROWS)
    assert len(paid) == len(ROWS)

    write(renamed_dag.AFTER)
    assert wait_until(lambda: renamed_dag.AFTER in rest.task_ids(dag_id), 60)
    rest.clear(dag_id, run_id, ["done"])
    assert wait_until(lambda: rest.task_instance(dag_id, run_id, "done")["try_number"] >= 2, interval=0.5)
    assert rest.wait_for_run(dag_id, run_id)["state"] == "success"
    returned = [rest.xcom(dag_id, run_id, renamed_dag.AFTER, map_index=index) for index in range(len(ROWS))]
    assert sorted(returned) == sorted(paid)
    assert settled.charges(*ROWS) == paid
