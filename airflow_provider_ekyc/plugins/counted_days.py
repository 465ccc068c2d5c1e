"""The totals by day: from Airflow's database, and from memory what has ended."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from airflow_provider_ekyc.plugins.day_totals import COUNTED, DayTotals, RunCounts, counts_of
from airflow_provider_ekyc.plugins.page_parts import Question
from airflow_provider_ekyc.plugins.stored_tasks import add_xcoms, tasks_of_runs
from airflow_provider_ekyc.plugins.task_records import TaskRecord
from airflow_provider_ekyc.plugins.task_search import FoundRun, Period, walk_runs

#: Days that are counted, unless a period is asked for.
DAYS = 30

#: Runs that are counted, at the most: the latest.
MOST_RUNS = 20_000

#: Runs that are read from the database for one answer, at the most; the next answers go on from there.
MOST_READ = 3_000

#: Runs whose counts are kept.
_MOST_KEPT = 50_000

_ENDED = frozenset({"success", "failed"})


class CountedDays:
    """
    Counts by day.

    What a run that has ended has pushed stays as it is, until it is cleared: its counts are kept, since to read the
    XComs of some thousand runs takes a second.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[int, tuple[tuple[Any, ...], RunCounts]] = OrderedDict()

    def find(self, session: Session, question: Question, now: datetime) -> dict[str, Any]:
        """
        Return the totals by day, of the last 30 days unless a period is asked for.

        :param question: DAGs, run, period, and the time zone of the days
        :param now: time
        :return: ``days``, ``counted`` (submissions), ``complete`` (whether all runs are in it) and ``zone``
        """
        totals, runs, read, complete = DayTotals(), 0, 0, True
        period = _period(question.period, now.astimezone(question.zone))
        for portion in walk_runs(session, question.dag_ids, run_id=question.run_id, period=period):
            kept = {run.number: counts for run in portion if (counts := self._get(run)) is not None}
            missing = [run for run in portion if run.number not in kept]
            if read + len(missing) > MOST_READ:
                missing, complete = missing[: MOST_READ - read], False
            kept |= self._read(session, missing)
            for run in portion:
                if run.number in kept:
                    totals.add(_in_zone(run.started, question.zone), kept[run.number])
            read, runs = read + len(missing), runs + len(portion)
            if runs >= MOST_RUNS or not complete:
                complete = False
                break
        zone = str(question.zone)
        return {"days": totals.as_list(), "counted": totals.counted, "complete": complete, "zone": zone}

    def _get(self, run: FoundRun) -> RunCounts | None:
        kept = self._kept.get(run.number)
        return kept[1] if kept is not None and kept[0] == run.version else None

    def _read(self, session: Session, runs: list[FoundRun]) -> dict[int, RunCounts]:
        records = tasks_of_runs(session, [run.number for run in runs])
        add_xcoms(session, records, COUNTED)
        by_run: dict[int, list[TaskRecord]] = {run.number: [] for run in runs}
        for record in records:
            by_run[record.run_number].append(record)
        counts = {number: counts_of(of_run) for number, of_run in by_run.items()}
        with self._lock:
            for run in runs:
                if run.state in _ENDED:
                    self._kept[run.number] = (run.version, counts[run.number])
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return counts


def _period(asked: Period, now: datetime) -> Period:
    if asked.since is not None:
        return asked
    try:
        end = now if asked.until is None else asked.until.astimezone(now.tzinfo)
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        return Period((midnight - timedelta(days=DAYS - 1)).astimezone(UTC), asked.until)
    except OverflowError:  # at the first or the last day that a date can be
        return asked


def _in_zone(time: datetime, zone: tzinfo) -> datetime:
    """Return a time of the database, which SQLite gives without its zone."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(zone)
