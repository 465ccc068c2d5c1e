"""``plugins/page_rows.py``: a row of the page, whatever others have written into an XCom."""

from __future__ import annotations

import json
import random
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ekyc.plugins import page_parts
from airflow_provider_ekyc.plugins.chains import Chain, chains_of
from airflow_provider_ekyc.plugins.page_rows import KEYS, row_of, saved_by, web_address
from airflow_provider_ekyc.plugins.task_records import Role
from airflow_provider_ekyc.plugins.task_search import FoundTask
from airflow_provider_ekyc.xcom_keys import CONSOLE_LINK, OBJECT_LINK
from tests.plugins.made_up_tasks import sensor, submit, task, transfer


def test_a_landed_row() -> None:
    progress = {
        "ekyc_task_id": "id-1",
        "status": "exported",
        "done": 3000,
        "total": 3000,
        "rate": 25.5,
        "note": "Done.",
    }
    chain = Chain(
        submit("success", "id-1", summary="3,000 numbers submitted as remote task id-1"),
        sensor("success", "id-1", progress=progress, **{CONSOLE_LINK: "https://console.invalid/tasks/id-1"}),
        transfer("success", "id-1", summary="2,990 rows", **{OBJECT_LINK: "https://s3.invalid/made-up/r.zip"}),
        task(Role.PREPARE, preparation={"fresh": 40, "money": {"saved": "0.04"}}),
    )
    row = row_of(chain)
    assert row["id"] == "numbers|first|submit|-1"
    assert row["submit"] == {"task_id": "submit", "map_index": -1, "state": "success", "try_number": 1}
    assert (row["status"], row["ekyc_task_id"], row["rows"], row["cost"]) == ("landed", "id-1", 3000, "3.00")
    assert (row["yes"], row["no"], row["unknown"], row["not_processed"], row["queries"]) == (1180, 1810, 0, 10, 4)
    assert (row["summary"], row["s3_uri"]) == ("2,990 rows", "s3://made-up/r.zip")
    assert row["object_url"] == "https://s3.invalid/made-up/r.zip"
    assert row["console_url"] == "https://console.invalid/tasks/id-1"
    assert row["saved"] == {"rows": 40, "cost": "0.04"}
    assert row["progress"]["rate"] == 25.5
    assert (row["started_at"], row["ended_at"]) == ("2026-11-26T07:00:00+00:00", "2026-11-26T07:01:00+00:00")
    assert row["need"] is None


def test_a_row_that_waits() -> None:
    progress = {"status": "processing", "done": 10, "total": 3000, "queries": 2, "failure": 1}
    row = row_of(Chain(submit("success", "id-1"), sensor("deferred", progress=progress), transfer(None)))
    assert (row["status"], row["queries"], row["not_processed"], row["ended_at"]) == ("waiting", 2, 1, None)
    assert row["progress"]["done"] == 10
    assert row["progress"]["next_query_at"] is None


def test_a_chain_has_ended_where_tasks_were_not_run() -> None:
    row = row_of(Chain(submit("failed"), sensor("upstream_failed"), transfer("upstream_failed")))
    assert row["ended_at"] == "2026-11-26T07:01:00+00:00"


def test_a_need_makes_the_status() -> None:
    assert row_of(Chain(submit("failed")), {"kind": "unknown_outcome"})["status"] == "needs_you"


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "data:text/html,<script>",
        "//host/path",
        "https://user:made-up@host/",
        "https://",
        "https://host/\n<script>",
        "https://[broken",
        "x" * 5000,
        None,
        {"url": "https://host"},
    ],
)
def test_only_a_plain_web_address_is_a_link(value: object) -> None:
    assert web_address(value) is None


def test_freshness_that_was_not_used_has_saved_nothing() -> None:
    assert saved_by(task(Role.PREPARE, preparation={"fresh": None, "money": {"saved": "1"}})) is None
    assert saved_by(task(Role.PREPARE, preparation={"fresh": 3, "money": "none"})) == {"rows": 3, "cost": None}


def test_a_row_has_the_known_fields_of_an_xcom_and_no_other() -> None:
    other = {"another_field": "+12025550123"}
    tasks = (submit("success", "id-1"), sensor("success", "id-1"), transfer("success", "id-1"))
    for each in (*tasks, prepared := task(Role.PREPARE)):
        each.xcoms |= {key: {**each.pushed(key), **other} for key in KEYS}
    chain = Chain(*tasks, prepared)
    assert "another_field" in json.dumps([each.xcoms for each in chain.tasks])
    assert "2025550123" not in json.dumps(row_of(chain))


def _anything(choice: random.Random, depth: int = 0) -> Any:
    plain = [None, True, -5, 10**30, 1.5, float("nan"), float("inf"), "", "<script>", "\x00", "é" * 9, "3", "NaN"]
    if depth > 2 or choice.random() < 0.5:
        return choice.choice(plain)
    if choice.random() < 0.4:
        return [_anything(choice, depth + 1) for _ in range(3)]
    names = ["ekyc_task_id", "rows", "yes", "rate", "done", "fresh", "money", "saved", "estimated_cost", "s3_uri"]
    return {choice.choice(names): _anything(choice, depth + 1) for _ in range(5)}


@pytest.mark.parametrize("seed", range(200))
def test_what_others_have_written_into_xcoms_never_breaks_a_row(seed: int) -> None:
    choice = random.Random(seed)
    tasks = []
    for role in Role:
        tasks.append(task(role, choice.choice(["success", "failed", "deferred", None])))
        tasks[-1].xcoms = {key: _anything(choice) for key in KEYS}
    for chain in chains_of(tasks):
        json.dumps(row_of(chain), allow_nan=False)


@pytest.mark.parametrize(("groups", "more"), [(1, False), (2, True)])
def test_of_one_run_no_more_rows_are_under_way_than_are_shown(
    groups: int, more: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is asked for task instances, and then for all that are in their runs."""
    waits = [
        sensor("deferred", task_id=f"group_{group}.wait", map_index=index)
        for group in range(groups)
        for index in range(page_parts.MOST_WAITING)
    ]
    found = [FoundTask(1, "group_0.wait", index, Role.SENSOR.value, "deferred") for index in range(3)]
    monkeypatch.setattr(page_parts, "active_tasks", lambda *_, **__: found)
    monkeypatch.setattr(page_parts, "_chains", lambda *_: chains_of(waits))
    shown = page_parts.waiting(mock.Mock(), page_parts.Question(["numbers"]))
    assert (len(shown["rows"]), shown["more"]) == (page_parts.MOST_WAITING, more)
