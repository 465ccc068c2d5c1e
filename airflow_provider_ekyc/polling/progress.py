"""
How far a wait is, for a person who looks at it: the XCom ``progress`` of ``EkycTaskSensor``. Pure.

The vendor's figures and our own clock; no word of the vendor's but the status that it documents.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.polling.poller import Decision

#: Characters of a note, at the most.
MOST_OF_A_NOTE = 300


class Progress:
    """
    Follows one wait. A restart of the triggerer forgets earlier answers: the rate then counts from the task's creation.

    :param ekyc_task_id: the remote task
    :param started: epoch seconds of the start of the wait
    """

    def __init__(self, ekyc_task_id: str, started: float) -> None:
        self._ekyc_task_id = ekyc_task_id
        self._started = started
        self._last: Task | None = None
        self._answered_at = started
        self._first_figures: tuple[float, int] | None = None
        self._rate: float | None = None
        self._queries = 0
        self._failures = 0

    def before(self, ask_at: float | None) -> dict[str, Any]:
        """
        Return the progress of a wait that has not asked yet.

        :param ask_at: epoch seconds of the first query, if known
        """
        return self._shown(None, ask_at, "Waiting for the first query.")

    def after(self, answer: Task | EkycApiError, decision: Decision, now: float) -> dict[str, Any]:
        """
        Return the progress after a query.

        ``done`` counts numbers that were processed or could not be, at most ``total``; ``rate`` is numbers a second,
        from the first answer with figures to this one, or since the task was created if this is the first.

        :param answer: the task, or the error of the query: then the figures are those of the answer before
        :param decision: what was decided upon it
        :param now: epoch seconds
        :return: ``ekyc_task_id``, ``status``, ``done``, ``total``, ``failure``, ``started_at``, ``asked_at``,
            ``next_query_at``, ``expected_end``, ``rate``, ``queries``, ``query_failures``, ``note``; times are ISO
            8601 in UTC; what is not known is None
        """
        self._queries += 1
        if isinstance(answer, Task):
            before = None if self._last is None else _done(self._last)
            self._last, self._answered_at = answer, now
            done = _done(answer)
            if done and self._first_figures is None:
                self._first_figures = (now, done)
            if not done or done != before or done != answer.total:
                # All numbers are done before the export is: that wait is none of the numbers'.
                self._rate = self._measured(answer, done)
        else:
            self._failures += 1
        return self._shown(now, decision.ask_at, decision.note)

    def _shown(self, now: float | None, ask_at: float | None, note: str) -> dict[str, Any]:
        task = self._last
        done = None if task is None else _done(task)
        return {
            "ekyc_task_id": self._ekyc_task_id,
            "status": None if task is None else task.status.value,
            "done": done,
            "total": None if task is None else task.total,
            "failure": None if task is None else task.failure,
            "started_at": _iso(self._started),
            "asked_at": None if now is None else _iso(now),
            "next_query_at": None if ask_at is None else _iso(ask_at),
            "expected_end": None if task is None else _expected_end(task, done, self._rate, self._answered_at),
            "rate": self._rate,
            "queries": self._queries,
            "query_failures": self._failures,
            "note": note if len(note) <= MOST_OF_A_NOTE else f"{note[: MOST_OF_A_NOTE - 3]}...",
        }

    def _measured(self, task: Task, done: int | None) -> float | None:
        """Return numbers a second, with three digits that count; None while nothing is done."""
        if not done:
            return None
        since, before = self._first_figures or (self._answered_at, done)
        seconds, numbers = self._answered_at - since, done - before
        if seconds <= 0:
            # The server's clock is used for a difference only.
            server = 0.0
            if task.created_at is not None and task.updated_at is not None:
                server = (task.updated_at - task.created_at).total_seconds()
            seconds, numbers = max(self._answered_at - self._started, server), done
        return float(f"{max(numbers, 0) / seconds:.3g}") if seconds > 0 else None


def _done(task: Task) -> int | None:
    if task.success is None:
        return None
    done = task.success + (task.failure or 0)
    return min(done, task.total) if task.total else done


def _expected_end(task: Task, done: int | None, rate: float | None, at: float) -> str | None:
    """Return when the rest will be done at this rate; None for a task that has ended, and where that is not known."""
    if task.status in (TaskStatus.EXPORTED, TaskStatus.FAILED) or not task.total or not rate or not done:
        return None
    if done >= task.total:
        return None
    return _iso(at + (task.total - done) / rate)


def _iso(epoch: float) -> str | None:
    """Return a time with seconds; None for one that no calendar has, such as the end of a task that stands still."""
    try:
        return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
