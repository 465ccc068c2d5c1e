"""``plugins/statuses.py`` and ``plugins/version_lacks.py``: what a row is at."""

from __future__ import annotations

import itertools

import pytest

from airflow_provider_ekyc.plugins.chains import Chain
from airflow_provider_ekyc.plugins.statuses import STATES_OF, Status, status_of
from airflow_provider_ekyc.plugins.task_records import Role
from airflow_provider_ekyc.plugins.version_lacks import lacks_of
from tests.plugins.made_up_tasks import sensor, submit, task, transfer

ABSENT = "absent"
STATES = [
    *(None, "scheduled", "queued", "running", "deferred", "up_for_reschedule", "up_for_retry", "restarting"),
    *("success", "failed", "upstream_failed", "skipped", "a state of a later Airflow"),
]


def chain_of(states: tuple[str | None, ...]) -> Chain:
    """Return a chain of tasks in some states."""
    made = (submit, sensor, transfer)
    tasks = [None if state == ABSENT else make(state) for make, state in zip(made, states, strict=True)]
    return Chain(*tasks)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ((None, None, None), Status.QUEUED),
        (("queued", None, None), Status.QUEUED),
        (("running", None, None), Status.SUBMITTING),
        (("up_for_retry", None, None), Status.RETRYING),
        (("failed", "upstream_failed", "upstream_failed"), Status.FAILED),
        (("success", None, None), Status.WAITING),
        (("success", "queued", None), Status.WAITING),
        (("success", "deferred", None), Status.WAITING),
        (("success", "up_for_reschedule", None), Status.WAITING),
        (("success", "failed", "upstream_failed"), Status.FAILED),
        (("success", "success", None), Status.LANDING),
        (("success", "success", "running"), Status.LANDING),
        (("success", "success", "success"), Status.LANDED),
        (("success", "success", "failed"), Status.FAILED),
        (("success", "skipped", "skipped"), Status.SKIPPED),
        (("skipped", "skipped", "skipped"), Status.SKIPPED),
        (("success", ABSENT, ABSENT), Status.SUBMITTED),
        (("success", "success", ABSENT), Status.EXPORTED),
        ((ABSENT, "deferred", ABSENT), Status.WAITING),
        ((ABSENT, "queued", ABSENT), Status.QUEUED),
        ((ABSENT, "success", "running"), Status.LANDING),
        ((ABSENT, ABSENT, "running"), Status.LANDING),
        ((ABSENT, ABSENT, None), Status.QUEUED),
        ((ABSENT, ABSENT, "success"), Status.LANDED),
        (("a state of a later Airflow", None, None), Status.OTHER),
    ],
)
def test_the_states_of_the_tasks_decide(states: tuple[str | None, ...], status: Status) -> None:
    assert status_of(chain_of(states)) is status


def test_a_list_that_is_being_prepared() -> None:
    chain = Chain(submit(None), prepare=task(Role.PREPARE, "running"))
    assert status_of(chain) is Status.PREPARING


def test_a_search_by_the_states_of_a_status_misses_no_row_of_it() -> None:
    for states in itertools.product([ABSENT, *STATES], repeat=3):
        if any(state != ABSENT for state in states):
            status = status_of(chain_of(states))
            assert not STATES_OF[status] or STATES_OF[status] & {*states}, states


def test_each_status_but_one_is_searched_for_by_states() -> None:
    assert [status for status in Status if not STATES_OF[status]] == [Status.OTHER]


def test_an_older_airflow_says_what_it_lacks() -> None:
    assert len(lacks_of("3.1.8")) == 1
    assert lacks_of("3.2.2") == lacks_of("3.4.0b2") == lacks_of("4.0") == []
