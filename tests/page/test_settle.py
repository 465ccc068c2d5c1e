"""``plugins/static/settle.js``: adopt, send again and clear, step by step, over real requests of the browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.page.conftest import Run
from tests.page.page_server import Answer, PageServer

NEED = {"dag_id": "d", "run_id": "r", "task_id": "submit", "map_index": -1, "name": "0123456789abcdef"}
CLEAR = {
    "dag_id": "d",
    "dag_run_id": "r",
    "task_ids": ["submit"],
    "include_downstream": True,
    "only_failed": True,
    "reset_dag_runs": True,
    "dry_run": False,
}
ROUTE = "api/v2/dags/d/clearTaskInstances"
RUN = "api/v2/dags/d/dagRuns/r"
CLEARED = Answer({"task_instances": [{}, {}, {}], "total_entries": 3})
WRITE = {"method": "POST", "variable": "ekyc_submission_1", "value": "{}", "description": "eKYC"}


def checked(write: dict[str, str] | None = None) -> Answer:
    return Answer(
        {"status": "exported", "total": 3, "message": "It is exported: 3 numbers.", "write": write, "clear": CLEAR}
    )


def settle(run: Run, way: str, need: dict[str, Any] = NEED, **fields: str) -> dict[str, Any]:
    return go_on(run, run("settle", "plan($0, $1, $2)", way, need, fields))


def go_on(run: Run, state: dict[str, Any], **more: object) -> dict[str, Any]:
    code = """
      let paused = 0;
      const pause = async (milliseconds) => { paused += milliseconds; };
      const end = await proceed({ ...$0, ...$1 }, () => {}, undefined, pause);
      return { ...end, said: outcome(end), paused };
    """
    return dict(run("settle", code, state, more))


def changes(server: PageServer) -> list[tuple[str, str]]:
    return [call for call in server.calls() if call[0] != "GET"]


def states(*values: str | None) -> list[Answer]:
    return [Answer({"state": value}) for value in values]


def test_an_adopted_task_is_checked_recorded_by_the_server_and_cleared(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/adopt": [checked()], ROUTE: [CLEARED]}
    end = settle(run, "adopt", ekyc_task_id="abc")
    assert changes(server) == [("POST", "ekyc/adopt"), ("POST", ROUTE)]
    adopt, clear, *_ = server.received
    assert adopt.json == {**NEED, "ekyc_task_id": "abc"}
    assert clear.json == {name: value for name, value in CLEAR.items() if name != "dag_id"}
    assert end["said"] == "It is exported: 3 numbers. 3 tasks are cleared and run again."


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (1, "1 task is cleared. The DAG is paused: it runs when the DAG is unpaused."),
        (2, "2 tasks are cleared. The DAG is paused: they run when it is unpaused."),
    ],
)
def test_of_a_paused_dag_it_is_said_that_nothing_runs(run: Run, server: PageServer, total: int, said: str) -> None:
    server.answers = {ROUTE: [Answer({"total_entries": total})], "api/v2/dags/d": [Answer({"is_paused": True})]}
    assert settle(run, "clear")["said"] == said


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "api/v2/variables"), ("PATCH", "api/v2/variables/ekyc_submission_1")]
)
def test_a_record_in_airflows_variables_is_written_before_the_clear(
    run: Run, server: PageServer, method: str, path: str
) -> None:
    server.answers = {"ekyc/adopt": [checked({**WRITE, "method": method})], path: [Answer({})], ROUTE: [CLEARED]}
    settle(run, "adopt", ekyc_task_id="abc")
    assert changes(server) == [("POST", "ekyc/adopt"), (method, path), ("POST", ROUTE)]
    assert server.received[1].json == {"key": "ekyc_submission_1", "value": "{}", "description": "eKYC"}


def test_a_list_is_sent_again_only_as_confirmed(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/send-again": [checked()], ROUTE: [CLEARED]}
    settle(run, "send_again")
    assert server.received[0].json == {**NEED, "confirmed": True}


def test_the_send_that_was_seen_is_named(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/send-again": [checked()], ROUTE: [CLEARED]}
    settle(run, "send_again", {**NEED, "when": "2026-11-26T06:00:00.000+00:00"})
    assert server.received[0].json == {**NEED, "confirmed": True, "sent_at": "2026-11-26T06:00:00.000+00:00"}


def test_a_decision_to_send_again_that_was_not_written_is_asked_of_the_server_anew(
    run: Run, server: PageServer
) -> None:
    variable = "api/v2/variables/ekyc_submission_1"
    settled = Answer({"detail": "This submission is settled; clear the task.", "clear": CLEAR}, status=409)
    server.answers = {
        "ekyc/send-again": [checked({**WRITE, "method": "PATCH"}), settled],
        variable: [Answer(closes=True)],
        ROUTE: [CLEARED],
    }
    first = settle(run, "send_again")
    assert "It is not known whether anything was recorded; to try again is safe" in first["said"]
    # Somebody has written the remote id into that Variable meanwhile: it stays.
    second = go_on(run, first)
    assert second["said"] == "This submission is settled; clear the task."
    assert [path for _, path in server.calls()].count(variable) == 1
    assert go_on(run, second)["cleared"] == 3


def test_what_the_server_refuses_changes_nothing(run: Run, server: PageServer) -> None:
    server.answers = {
        "ekyc/adopt": [Answer({"detail": "The API knows no such task. Nothing was changed."}, status=404)]
    }
    end = settle(run, "adopt", ekyc_task_id="abc")
    assert changes(server) == [("POST", "ekyc/adopt")]
    assert end["said"] == "The API knows no such task. Nothing was changed."


def test_a_question_of_the_server_is_answered_with_the_same_request(run: Run, server: PageServer) -> None:
    question = Answer({"detail": "It has 4 numbers, not 3.", "confirm": True}, status=409)
    server.answers = {"ekyc/adopt": [question, checked()], ROUTE: [CLEARED]}
    asked = settle(run, "adopt", ekyc_task_id="abc")
    assert asked["confirm"] is True
    end = go_on(run, asked, confirmed=True)
    assert server.received[1].json == {**NEED, "ekyc_task_id": "abc", "confirmed": True}
    assert end["problem"] is None


def test_a_clear_that_fails_is_done_again_alone(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/adopt": [checked()], ROUTE: [Answer({"detail": "Forbidden"}, status=403), CLEARED]}
    first = settle(run, "adopt", ekyc_task_id="abc")
    assert first["said"].startswith("The id is recorded. The task is not cleared yet.")
    end = go_on(run, first)
    assert changes(server) == [("POST", "ekyc/adopt"), ("POST", ROUTE), ("POST", ROUTE)]
    assert end["cleared"] == 3


def test_a_record_that_fails_is_written_again_before_anything_is_cleared(run: Run, server: PageServer) -> None:
    variables = [Answer({"detail": "database is locked"}, status=500), Answer({})]
    server.answers = {"ekyc/adopt": [checked(WRITE)], "api/v2/variables": variables, ROUTE: [CLEARED]}
    first = settle(run, "adopt", ekyc_task_id="abc")
    assert first["said"].startswith("It is not known whether the id is recorded; to go on is safe.")
    assert ("POST", ROUTE) not in server.calls()
    assert go_on(run, first)["cleared"] == 3
    assert [path for _, path in server.calls()].count("ekyc/adopt") == 1


@pytest.mark.parametrize("status", [403, 409])
def test_a_decision_to_send_again_that_may_not_be_written_is_none(run: Run, server: PageServer, status: int) -> None:
    server.answers = {
        "ekyc/send-again": [checked(WRITE)],
        "api/v2/variables": [Answer({"detail": "No."}, status=status)],
    }
    end = settle(run, "send_again")
    assert end["said"] == "Nothing is recorded yet. No."
    assert run("settle", "isRecordedAlready($0)", end) is False


def test_a_record_that_may_not_be_written_is_none(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/adopt": [checked(WRITE)], "api/v2/variables": [Answer({"detail": "No."}, status=403)]}
    assert settle(run, "adopt", ekyc_task_id="abc")["said"] == "Nothing is recorded yet. No."


@pytest.mark.parametrize("settled", [True, False])
def test_a_clear_that_is_not_answered_may_have_been_done(run: Run, server: PageServer, settled: bool) -> None:
    answer = Answer({"detail": "It is settled already.", "clear": CLEAR}, status=409) if settled else checked()
    server.answers = {"ekyc/adopt": [answer], ROUTE: [Answer(closes=True)]}
    end = settle(run, "adopt", ekyc_task_id="abc")
    end = go_on(run, end) if settled else end
    assert "It is not known whether the task is cleared; to clear it again is safe." in end["said"]


def test_a_record_that_somebody_else_has_written_is_left_alone(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/adopt": [checked(WRITE)], "api/v2/variables": [Answer({"detail": "exists"}, status=409)]}
    end = settle(run, "adopt", ekyc_task_id="abc")
    assert end["said"].startswith("The record is there already: yours, if an earlier try was not answered")
    assert run("settle", "isRecordedAlready($0)", {**end, "ekyc": None}) is True
    assert ("POST", ROUTE) not in server.calls()


def test_where_only_the_clear_is_left_it_is_offered(run: Run, server: PageServer) -> None:
    settled = Answer({"detail": "It is settled already; clear the task.", "clear": CLEAR}, status=409)
    server.answers = {"ekyc/adopt": [settled], ROUTE: [CLEARED]}
    first = settle(run, "adopt", ekyc_task_id="abc")
    assert first["said"] == "It is settled already; clear the task."
    assert go_on(run, first)["cleared"] == 3
    assert changes(server) == [("POST", "ekyc/adopt"), ("POST", ROUTE)]


def test_a_server_that_is_away_leaves_it_open_what_was_recorded(run: Run, server: PageServer) -> None:
    server.answers = {"ekyc/send-again": [Answer(closes=True)]}
    assert "It is not known whether anything was recorded" in settle(run, "send_again")["said"]


@pytest.mark.parametrize(("index", "tasks"), [(-1, ["land"]), (0, [["land", 0]]), (7, [["land", 7]])])
def test_a_failed_landing_is_cleared_by_airflow_alone(
    run: Run, server: PageServer, index: int, tasks: list[Any]
) -> None:
    server.answers = {ROUTE: [CLEARED]}
    settle(run, "clear", {**NEED, "task_id": "land", "map_index": index})
    assert changes(server) == [("POST", ROUTE)]
    sent = server.received[0].json
    assert sent["task_ids"] == tasks
    assert (sent["only_failed"], sent["include_downstream"], sent["dry_run"]) == (True, True, False)


@pytest.mark.parametrize(("index", "task"), [(-1, "taskInstances/submit"), (3, "taskInstances/submit/3")])
@pytest.mark.parametrize("first", ["running", "failed"])
def test_a_run_that_ended_while_its_task_was_cleared_is_started_again(
    run: Run, server: PageServer, index: int, task: str, first: str
) -> None:
    server.answers = {ROUTE: [CLEARED], RUN: states(first, "failed", "queued"), f"{RUN}/{task}": states(None)}
    end = settle(run, "clear", {**NEED, "map_index": index})
    assert changes(server) == [("POST", ROUTE), ("PATCH", RUN)]
    assert [each.json for each in server.received if each.method == "PATCH"] == [{"state": "queued"}]
    assert end["said"] == "3 tasks are cleared and run again."
    assert end["paused"] == 4000


@pytest.mark.parametrize(
    ("of_run", "of_task", "paused"),
    [
        (("queued",), None, 0),
        (("running", "running"), None, 4000),
        (("running", "success"), "success", 4000),
        (("running", "failed"), "failed", 4000),
    ],
)
def test_a_run_that_goes_on_is_left_alone(
    run: Run, server: PageServer, of_run: tuple[str, ...], of_task: str | None, paused: int
) -> None:
    server.answers = {ROUTE: [CLEARED], RUN: states(*of_run), f"{RUN}/taskInstances/submit": states(of_task)}
    end = settle(run, "clear")
    assert changes(server) == [("POST", ROUTE)]
    assert end["said"] == "3 tasks are cleared and run again."
    assert end["paused"] == paused


def test_a_run_that_may_not_be_read_is_left_alone(run: Run, server: PageServer) -> None:
    server.answers = {ROUTE: [CLEARED], RUN: [Answer({"detail": "Forbidden"}, status=403)]}
    assert settle(run, "clear")["said"] == "3 tasks are cleared and run again."
    assert changes(server) == [("POST", ROUTE)]


def test_a_run_that_can_not_be_started_again_is_named(run: Run, server: PageServer) -> None:
    refused = Answer({"detail": "Forbidden"}, status=403)
    server.answers = {
        ROUTE: [CLEARED],
        RUN: [*states("running", "failed"), refused],
        f"{RUN}/taskInstances/submit": states(None),
    }
    end = settle(run, "clear")
    assert "The run ended while the task was cleared, so it does not run." in end["said"]
    assert "run again" not in end["said"]


def test_nothing_to_clear_is_said(run: Run, server: PageServer) -> None:
    server.answers = {ROUTE: [Answer({"task_instances": [], "total_entries": 0})]}
    assert "no failed task to clear" in settle(run, "clear")["said"]


@pytest.mark.parametrize(("pasted", "used"), [(' "abc"\n', "abc"), ("`a-b`", "a-b"), ("'x", "'x"), ("  ", "")])
def test_an_id_is_read_without_what_was_copied_with_it(run: Run, pasted: str, used: str) -> None:
    assert run("settle", "pastedId($0)", pasted) == used


def test_what_can_be_no_id_is_not_sent(run: Run) -> None:
    assert run("settle", "['', 'a b', 'abc'].map(complaint)") == [
        "Enter the id of the remote task.",
        "An id has no spaces in it.",
        None,
    ]
