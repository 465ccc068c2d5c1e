"""``plugins/chains.py`` and ``plugins/task_records.py``: which tasks of a run belong together."""

from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_provider_ekyc.plugins.chains import Chain, chains_of, remote_id
from airflow_provider_ekyc.plugins.task_records import Role, TaskRecord, count_of, text_of, texts_of, time_text
from tests.plugins.made_up_tasks import START, sensor, submit, task, transfer


def shown(chain: Chain) -> tuple[str | None, ...]:
    """Return the names of a chain's tasks, with map indexes."""
    return tuple(
        None if each is None else each.task_id + (f"[{each.map_index}]" if each.map_index >= 0 else "")
        for each in (chain.submit, chain.sensor, chain.transfer)
    )


def test_a_chain_of_three_is_one_row_before_anything_is_known() -> None:
    assert [shown(each) for each in chains_of([transfer(None), sensor(None), submit("running")])] == [
        ("submit", "wait", "land")
    ]


def test_the_remote_id_decides_against_names_and_map_indexes() -> None:
    tasks = [submit("success", f"id-{n}", map_index=n) for n in range(3)]
    tasks += [sensor("success", f"id-{2 - n}", map_index=n) for n in range(3)]
    tasks += [transfer("success", f"id-{n}", map_index=n) for n in range(3)]
    assert [shown(each) for each in chains_of(tasks)] == [
        ("submit[0]", "wait[2]", "land[0]"),
        ("submit[1]", "wait[1]", "land[1]"),
        ("submit[2]", "wait[0]", "land[2]"),
    ]


def test_another_remote_id_is_never_joined() -> None:
    chains = chains_of([submit("success", "id-1"), sensor("success", "id-2")])
    assert [shown(each) for each in chains] == [("submit", None, None), (None, "wait", None)]


def test_two_chains_of_a_run_are_told_apart_by_their_names() -> None:
    names = [(f"submit_{name}", f"wait_{name}", f"land_{name}") for name in ("mail", "phone")]
    tasks: list[TaskRecord] = []
    for one, two, three in names:
        tasks += [submit("running", task_id=one), sensor(None, task_id=two), transfer(None, task_id=three)]
    random.Random(1).shuffle(tasks)
    assert [shown(each) for each in chains_of(tasks)] == names


def test_groups_are_told_apart() -> None:
    tasks = []
    for group in ("one.each_file", "two.each_file"):
        tasks += [
            submit(None, task_id=f"{group}.submit", map_index=0),
            sensor(None, task_id=f"{group}.wait", map_index=0),
        ]
    assert [shown(each)[:2] for each in chains_of(tasks)] == [
        ("one.each_file.submit[0]", "one.each_file.wait[0]"),
        ("two.each_file.submit[0]", "two.each_file.wait[0]"),
    ]


def test_a_second_landing_of_one_result_is_a_row_of_its_own() -> None:
    chains = chains_of([submit("success", "a"), transfer("success", "a"), transfer("success", "a", task_id="land_zip")])
    assert sorted(shown(each) for each in chains if each.submit) == [("submit", None, "land")]
    assert [shown(each) for each in chains if not each.submit] == [(None, None, "land_zip")]


def test_a_wait_for_a_literal_id_and_its_landing_are_one_row() -> None:
    assert [shown(each) for each in chains_of([sensor(), transfer()])] == [(None, "wait", "land")]


def test_a_task_that_its_dag_no_longer_has_is_left_out() -> None:
    assert chains_of([submit("removed")]) == []


def test_the_latest_run_is_first() -> None:
    tasks = [submit(run_id="older", run_number=3), submit(run_id="newer", run_number=12)]
    assert [each.first.run_id for each in chains_of(tasks)] == ["newer", "older"]


def test_the_list_that_was_prepared_counts_for_its_first_file() -> None:
    prepared = task(Role.PREPARE, task_id="verify.prepare", preparation={"fresh": 5})
    files = [submit("success", f"id-{n}", task_id="verify.each_file.submit", map_index=n) for n in range(2)]
    other = submit("success", "id-9", task_id="submit")
    chains = chains_of([prepared, *files, other])
    assert [chain.first.map_index for chain in chains if chain.prepare is prepared] == [0]


def test_in_a_loop_names_repeat() -> None:
    tasks = [submit("success", f"{n}", region="a", map_index=n) for n in (0, 1)]
    tasks += [sensor("success", f"{n}", region="a", map_index=n) for n in (0, 1)]
    tasks += [submit("success", "again", region="b", map_index=0)]
    assert len(chains_of(tasks)) == 3


@pytest.mark.parametrize("seed", range(40))
def test_each_task_is_in_exactly_one_row(seed: int) -> None:
    choice = random.Random(seed)
    tasks = []
    for number in range(choice.randrange(1, 25)):
        role = choice.choice(list(Role))
        known = choice.choice([None, "a", "b", "c"])
        xcoms: dict[str, Any] = {} if known is None else {"submission": {"ekyc_task_id": known}, "return_value": known}
        tasks.append(
            task(
                role,
                choice.choice(["success", "failed", None]),
                task_id=choice.choice(["a", "b", "g.a", "g.b"]) + str(number),
                map_index=choice.choice([-1, 0, 1]),
                run_number=choice.choice([1, 2]),
                **xcoms,
            )
        )
    seen = [id(each) for chain in chains_of(tasks) for each in chain.tasks]
    assert sorted(seen) == sorted(id(each) for each in tasks if each.role is not Role.PREPARE)
    for chain in chains_of(tasks):
        assert len({remote_id(each) for each in chain.tasks} - {None}) <= 1


def test_what_others_have_written_is_read_by_its_type() -> None:
    assert (text_of("x" * 5000, 10), text_of(3), text_of(True), text_of(["x"]), text_of("")) == (
        "x" * 10,
        "3",
        None,
        None,
        None,
    )
    assert (count_of(3), count_of(True), count_of(-1), count_of("3"), count_of(3.0)) == (3, None, None, None, None)
    assert (texts_of(["a", {}, "b"]), texts_of("ab"), texts_of(None)) == (["a", "b"], [], [])
    assert time_text(START.replace(tzinfo=None)) == time_text(START) == "2026-11-26T07:00:00+00:00"
    assert submit("success", submission=["no", "mapping"]).pushed("submission") == {}
