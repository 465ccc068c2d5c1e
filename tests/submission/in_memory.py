"""Submissions without an operator and without a server: the records are in Variables in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import Journal, SubmissionRecords
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.submission.stores import open_stores

TASK = TaskIdentity("a_dag", "a_task", "a_run", None, map_index=-1, try_number=1, max_tries=2)

#: Two lists, in the order in which the record of a task instance names them.
SCOPE, OTHER = sorted(
    (Scope("https://api.example", "made-up-account", digit * 64, "") for digit in "ef"), key=lambda each: each.name
)


def intent(scope: Scope = SCOPE, state: IntentState = IntentState.UNKNOWN, **more: Any) -> Intent:
    """Return what try 1 has recorded of a list of 150 numbers; open, unless another state is given."""
    first = Intent(
        started_at="2026-01-02T03:04:05+00:00",
        try_number=1,
        map_index=-1,
        rows=150,
        fingerprint=scope.fingerprint,
        nonce="made-up-nonce",
        state=state,
        sends=1,
        max_tries=2,
        balance=1234.5,
        possibly_charged=0 if state is IntentState.NOT_ACCEPTED else 1,
    )
    return replace(first, **more)


def journal_of(task: TaskIdentity = TASK) -> Journal:
    """Return the journal of a try that starts now."""
    stores = open_stores(task, uri=None, aws_conn_id=None, connection_uri=None, state_store=None)
    journal = Journal(task, stores)
    journal.start_try()
    return journal


def leave(record: Intent | Receipt, scope: Scope = SCOPE, task: TaskIdentity = TASK) -> SubmissionRecords:
    """Record what an earlier try has left of a list."""
    records = journal_of(task).submission(scope.name)
    records.find()
    begun = record if isinstance(record, Intent) else intent(scope)
    records.begin(scope, begun, by_hand=False)
    records.announce(begun)
    if isinstance(record, Receipt):
        records.complete(record)
    return records


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return what was logged, without the breaks of its lines."""
    return " ".join(" ".join(caplog.messages).split())


class Reports(list[Mapping[str, Any]]):
    """The XComs ``unsettled`` of a try, in the order in which they were reported."""

    def __call__(self, report: Mapping[str, Any]) -> None:
        self.append(dict(report))
