"""``plugins/static/rows.js``: what the page says of a row, and where its links lead."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.plugins.statuses import Status
from tests.page.conftest import Run

ROW = {
    "id": "d|r|submit|-1",
    "dag_id": "d",
    "run_id": "r",
    "map_index": -1,
    "submit": {"task_id": "submit", "map_index": -1, "state": "success", "try_number": 1},
    "sensor": {"task_id": "wait", "map_index": -1, "state": "deferred", "try_number": 1},
    "transfer": {"task_id": "land", "map_index": -1, "state": None, "try_number": 0},
    "status": "waiting",
}


def test_each_status_of_the_server_has_words(run: Run) -> None:
    assert set(run("rows", "Object.keys(STATUSES)")) == {status.value for status in Status}


def test_a_status_that_is_not_known_is_shown_by_its_name(run: Run) -> None:
    assert run("rows", "statusOf({ status: 'constructor' })") == {"label": "constructor", "tone": "idle"}


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ({"dag_id": "d", "run_id": "r", "task_id": "t"}, "/dags/d/runs/r/tasks/t"),
        (
            {
                "dag_id": "d",
                "run_id": "manual__2026-11-26T06:00:00+00:00",
                "task_id": "g.t",
                "map_index": 3,
                "try_number": 2,
            },
            "/dags/d/runs/manual__2026-11-26T06%3A00%3A00%2B00%3A00/tasks/g.t/mapped/3?try_number=2",
        ),
        ({"dag_id": "d", "run_id": "../../x?y#z", "task_id": "t"}, "/dags/d/runs/..%2F..%2Fx%3Fy%23z/tasks/t"),
    ],
)
def test_a_log_has_airflows_own_path(run: Run, task: dict[str, object], path: str) -> None:
    assert run("rows", "logPath($0)", task) == path


@pytest.mark.parametrize(
    ("states", "task"),
    [
        (("success", "deferred", None), "wait"),
        (("success", "success", "failed"), "land"),
        (("failed", "upstream_failed", "upstream_failed"), "submit"),
        ((None, None, None), "land"),
    ],
)
def test_the_log_to_read_is_that_of_the_latest_task_that_ran(
    run: Run, states: tuple[str | None, ...], task: str
) -> None:
    names = ("submit", "sensor", "transfer")
    row = ROW | {name: {**ROW[name], "state": state} for name, state in zip(names, states, strict=True)}  # type: ignore[dict-item]
    assert run("rows", "latestTask($0).task_id", row) == task


def test_several_in_one_run_differ_by_group_and_index(run: Run) -> None:
    mapped = ROW | {"map_index": 3, "submit": {"task_id": "files.verify.submit"}}
    assert run("rows", "[place($0), place($1)]", mapped, ROW) == ["files.verify [3]", None]


def test_an_address_names_a_row_by_any_of_its_tasks(run: Run) -> None:
    def named(**query: object) -> bool:
        given = {"dag_id": "d", "run_id": "r", "task_id": None, "map_index": None} | query
        return bool(run("rows", "isNamed($0, $1)", ROW, given))

    assert named(task_id="land")
    assert named(task_id="wait", map_index="-1")
    assert named()
    assert not named(task_id="other")
    assert not named(task_id="submit", map_index="2")
    assert not named(dag_id="e")


def test_rows_that_did_not_change_stay_the_same_objects(run: Run) -> None:
    code = """
    const before = [{ id: 'a', n: 1 }, { id: 'b', n: 1 }];
    const after = keepUnchanged(before, [{ id: 'b', n: 2 }, { id: 'a', n: 1 }]);
    const same = keepUnchanged(before, [{ id: 'a', n: 1 }, { id: 'b', n: 1 }]);
    return [after[1] === before[0], after[0].n, same === before];
    """
    assert run("rows", code) == [True, 2, True]


def test_rows_of_a_loop_may_have_one_id(run: Run) -> None:
    assert run("rows", "keyed([{ id: 'a' }, { id: 'a' }, { id: 'b' }]).map(([key]) => key)") == ["a", "a#1", "b"]


def test_a_row_in_use_stays_where_it_was(run: Run) -> None:
    code = """
    const held = new Map([['b', { id: 'b' }]]);
    const keys = (rows) => withHeld(rows, held, ['a', 'b', 'c']).map(([key, , gone]) => `${key}${gone ? ' gone' : ''}`);
    return [keys([{ id: 'a' }, { id: 'c' }]), keys([{ id: 'a' }, { id: 'b' }]), keys([])];
    """
    assert run("rows", code) == [["a", "b gone", "c"], ["a", "b"], ["b gone"]]


def test_progress_is_shown_only_where_both_counts_are_known(run: Run) -> None:
    assert run(
        "rows",
        "[{ progress: { done: 1, total: 2 } }, { progress: { done: 1, total: null } }, {}].map(progressOf)",
    ) == [
        {"done": 1, "total": 2},
        None,
        None,
    ]
