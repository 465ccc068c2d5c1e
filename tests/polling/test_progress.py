"""The XCom ``progress``: what a person sees of a wait (``polling/progress.py``)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus, read_task
from airflow_provider_ekyc.exceptions import EkycApiError, EkycServerError
from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, Decision, Poller
from airflow_provider_ekyc.polling.progress import MOST_OF_A_NOTE, Progress

START = 1_764_000_000.0
KEYS = ["ekyc_task_id", "status", "done", "total", "failure", "started_at", "asked_at", "next_query_at"]
KEYS += ["expected_end", "rate", "queries", "query_failures", "note"]


class Wait:
    """A wait that began at :data:`START`."""

    def __init__(self) -> None:
        self.poller = Poller(PollPolicy(), START, Deadline(START + 86_400))
        self.progress = Progress("d1", START)

    def ask(self, seconds: float, answer: Task | EkycApiError) -> dict[str, Any]:
        """Give an answer so many seconds after the start; return what is shown then."""
        now = START + seconds
        shown = self.progress.after(answer, self.poller.decide(answer, now, 0.5), now)
        assert list(shown) == KEYS
        json.dumps(shown)
        return shown


def task(success: int | None, *, status: str = "processing", total: int | None = 1000, **more: Any) -> Task:
    return read_task({"task_id": "d1", "status": status, "total": total, "success": success, **more})


def at(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat(timespec="seconds")


def test_before_the_first_query_there_is_a_start_and_nothing_else() -> None:
    shown = Progress("d1", START).before(START + 5)
    assert list(shown) == KEYS
    known = {"ekyc_task_id": "d1", "started_at": at(0), "next_query_at": at(5), "queries": 0, "query_failures": 0}
    known["note"] = "Waiting for the first query."
    assert {key: value for key, value in shown.items() if value is not None} == known
    assert Progress("d1", START).before(None)["next_query_at"] is None


def test_the_first_figures_count_from_the_start_of_the_wait() -> None:
    shown = Wait().ask(10, task(200, failure=50))
    assert (shown["status"], shown["done"], shown["total"], shown["failure"]) == ("processing", 250, 1000, 50)
    assert (shown["rate"], shown["expected_end"], shown["asked_at"]) == (25.0, at(40), at(10))
    assert datetime.fromisoformat(shown["next_query_at"]) > datetime.fromisoformat(at(10))
    assert shown["note"].startswith("Remote task d1 is processing: 25%")


def test_or_from_the_creation_of_the_task_if_that_is_longer_ago() -> None:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    times = {"created_at": created.isoformat(), "updated_at": (created + timedelta(seconds=100)).isoformat()}
    assert Wait().ask(10, task(250, **times))["rate"] == 2.5


def test_one_of_the_two_times_alone_gives_no_age() -> None:
    assert Wait().ask(10, task(250, updated_at="2026-01-01T00:01:40Z"))["rate"] == 25.0


@pytest.mark.parametrize(("seconds", "rate"), [(0, None), (0.5, 200.0), (1, 100.0)])
def test_figures_at_the_start_of_the_wait(seconds: float, rate: float | None) -> None:
    assert Wait().ask(seconds, task(100))["rate"] == rate


def test_later_figures_count_from_the_first_ones() -> None:
    wait = Wait()
    assert wait.ask(10, task(None, status="pending"))["rate"] is None
    wait.ask(100, task(100))
    shown = wait.ask(120, task(300))
    assert (shown["rate"], shown["expected_end"], shown["queries"]) == (10.0, at(190), 3)
    quick = Wait()
    quick.ask(10, task(100))
    assert quick.ask(11, task(300))["rate"] == 200.0


def test_a_task_that_stands_still_has_no_end() -> None:
    wait = Wait()
    wait.ask(10, task(300))
    shown = wait.ask(20, task(300))
    assert (shown["rate"], shown["expected_end"]) == (0.0, None)
    slow = Wait()
    slow.ask(10, task(1, total=10**15))
    slow.ask(11, task(1, total=10**15))
    assert slow.ask(10**7, task(2, total=10**12))["expected_end"] is None, "no calendar has that year"


def test_a_failed_query_keeps_the_figures_and_is_counted() -> None:
    wait = Wait()
    before = wait.ask(10, task(250))
    shown = wait.ask(20, EkycServerError("The API answered 503.", status=503, retryable=True))
    kept = ("status", "done", "total", "failure", "rate", "expected_end", "started_at")
    assert {key: shown[key] for key in kept} == {key: before[key] for key in kept}
    assert (shown["queries"], shown["query_failures"], shown["asked_at"]) == (2, 1, at(20))
    assert "503" in shown["note"]
    again = wait.ask(30, EkycServerError("The API answered 503.", status=503, retryable=True))
    assert (again["queries"], again["query_failures"]) == (3, 2)


def test_a_wait_that_failed_from_the_first_query_on_has_no_figures() -> None:
    shown = Wait().ask(10, EkycServerError("The API answered 503.", status=503, retryable=True))
    assert {shown[key] for key in ("status", "done", "total", "failure", "rate", "expected_end")} == {None}


@pytest.mark.parametrize("status", ["exported", "failed"])
def test_the_end_has_no_next_query_and_no_expected_end(status: str) -> None:
    shown = Wait().ask(10, task(990, status=status, failure=5))
    assert (shown["status"], shown["done"]) == (status, 995)
    assert (shown["next_query_at"], shown["expected_end"]) == (None, None)


def test_all_is_done_and_the_export_is_not() -> None:
    wait = Wait()
    wait.ask(10, task(500))
    shown = wait.ask(30, task(1000, status="completed"))
    assert (shown["status"], shown["done"], shown["expected_end"]) == ("completed", 1000, None)
    assert shown["next_query_at"] is not None
    assert shown["rate"] == 25.0
    assert wait.ask(100, task(1000, status="exported"))["rate"] == 25.0, "the export is none of the numbers'"


def test_more_than_all_is_all() -> None:
    assert Wait().ask(10, task(1003))["done"] == 1000
    assert Wait().ask(10, task(1003, total=None))["done"] == 1003


def test_a_word_that_is_not_documented_is_not_shown() -> None:
    shown = Wait().ask(10, task(1, status="<script>alert(1)</script>"))
    assert shown["status"] == TaskStatus.UNKNOWN.value
    assert "script" not in json.dumps(shown)


def test_a_note_is_short() -> None:
    shown = Wait().ask(10, EkycServerError("x" * 5000, status=503, retryable=True))
    assert len(shown["note"]) == MOST_OF_A_NOTE
    assert shown["note"].endswith("...")
    whole = "x" * MOST_OF_A_NOTE
    assert Progress("d1", START).after(task(1), Decision(whole), START)["note"] == whole
