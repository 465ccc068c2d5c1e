"""Answers of the API, and a poller, for the tests of the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, Poller

START = 1_800_000_000.0
FAR = Deadline(START + 1e9)
CREATED = datetime.fromtimestamp(START, UTC)


def task(status: TaskStatus = TaskStatus.PROCESSING, **fields: Any) -> Task:
    return Task(ekyc_task_id="dmadeup1", status=status, word=status.value, **fields)


def moving(elapsed: float, **fields: Any) -> Task:
    """An answer whose figures have just moved."""
    return task(created_at=CREATED, updated_at=CREATED + timedelta(seconds=elapsed), **fields)


def poller(policy: PollPolicy | None = None, deadline: Deadline = FAR) -> Poller:
    return Poller(policy or PollPolicy(), START, deadline)
