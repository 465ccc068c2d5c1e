"""What a row of the page is at, by the states of its task instances alone. Pure."""

from __future__ import annotations

from enum import StrEnum

from airflow_provider_ekyc.plugins.chains import Chain
from airflow_provider_ekyc.plugins.task_records import TaskRecord


class Status(StrEnum):
    """The words of ``status`` of a row."""

    QUEUED = "queued"  #: nothing has begun
    PREPARING = "preparing"  #: its list is being prepared
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"  #: accepted, and nothing in this run waits for it
    WAITING = "waiting"
    EXPORTED = "exported"  #: ready, and nothing in this run lands it
    LANDING = "landing"
    LANDED = "landed"
    RETRYING = "retrying"  #: one of its tasks has failed, and Airflow tries it again
    NEEDS_YOU = "needs_you"  #: a person has to decide
    FAILED = "failed"
    SKIPPED = "skipped"
    OTHER = "other"


FAILED = frozenset({"failed", "upstream_failed"})
#: After which Airflow does nothing more by itself.
ENDED = frozenset({"success", "skipped", "removed", *FAILED})
RETRYING = frozenset({"up_for_retry", "restarting"})
#: Of a sensor that waits.
WAITING = frozenset({"running", "deferred", "up_for_reschedule"})
#: Of a task whose turn has not come. None is one that is not scheduled yet.
_AHEAD = frozenset({None, "scheduled", "queued"})

#: States of which at least one task of a row has one, if the row has that status; empty if any may do.
STATES_OF: dict[Status, frozenset[str | None]] = {
    Status.QUEUED: _AHEAD,
    Status.PREPARING: _AHEAD,
    Status.SUBMITTING: WAITING,
    Status.SUBMITTED: frozenset({"success"}),
    Status.WAITING: WAITING | _AHEAD,
    Status.EXPORTED: frozenset({"success"}),
    Status.LANDING: WAITING | _AHEAD,
    Status.LANDED: frozenset({"success"}),
    Status.RETRYING: RETRYING,
    Status.NEEDS_YOU: FAILED,
    Status.FAILED: FAILED,
    Status.SKIPPED: frozenset({"skipped"}),
    Status.OTHER: frozenset(),
}


def status_of(chain: Chain) -> Status:
    """
    Return what a row is at.

    :return: never ``needs_you``, which the records of the submission decide
    """
    states = [task.state for task in chain.tasks]
    if any(state in FAILED for state in states):
        return Status.FAILED
    if any(state in RETRYING for state in states):
        return Status.RETRYING
    if _state(chain.transfer) == "success":
        return Status.LANDED
    if "skipped" in states:
        return Status.SKIPPED
    submit, sensor, transfer = (_state(task) for task in (chain.submit, chain.sensor, chain.transfer))
    if chain.submit is not None and submit != "success":
        if submit not in _AHEAD:
            return Status.SUBMITTING if submit in WAITING else Status.OTHER
        return Status.PREPARING if _is_active(chain.prepare) else Status.QUEUED
    if chain.sensor is not None and sensor != "success":
        if sensor in WAITING or (sensor in _AHEAD and chain.submit is not None):
            return Status.WAITING
        return Status.QUEUED if sensor in _AHEAD else Status.OTHER
    if chain.transfer is not None:
        if transfer in WAITING or (transfer in _AHEAD and len(states) > 1):
            return Status.LANDING
        return Status.QUEUED if transfer in _AHEAD else Status.OTHER
    return Status.EXPORTED if chain.sensor is not None else Status.SUBMITTED


def _state(task: TaskRecord | None) -> str | None:
    return None if task is None else task.state


def _is_active(task: TaskRecord | None) -> bool:
    return task is not None and task.state not in {None, "success", "skipped", *FAILED}
