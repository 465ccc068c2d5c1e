"""``plugins/static/refresh_policy.js``: when the page asks again, and for what."""

from __future__ import annotations

import pytest

from tests.page.conftest import Run

LIVE = {"refreshSeconds": 5, "live": True, "failures": 0, "stopped": False}


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ({}, 5),
        ({"live": False}, 10),
        ({"refreshSeconds": 1}, 5),
        ({"refreshSeconds": 30}, 30),
        ({"refreshSeconds": None}, 5),
        ({"failures": 1}, 10),
        ({"failures": 3}, 40),
        ({"failures": 50}, 60),
        ({"refreshSeconds": 90, "failures": 2}, 90),
        ({"stopped": True}, None),
        ({"stopped": True, "failures": 9}, None),
    ],
)
def test_never_more_than_once_in_five_seconds_and_less_after_failures(
    run: Run, state: dict[str, object], seconds: int | None
) -> None:
    assert run("refresh_policy", "secondsToNext($0)", LIVE | state) == seconds


def test_without_a_login_or_the_right_nothing_is_asked_again(run: Run) -> None:
    kinds = ["login", "forbidden", "away", "server", "not_json", "refused"]
    assert run("refresh_policy", "$0.filter((kind) => isFinal({ kind }))", kinds) == ["login", "forbidden"]
    assert run("refresh_policy", "isFinal(null)") is False


def test_a_later_page_of_the_history_stays_as_it_is(run: Run) -> None:
    def parts(**state: object) -> object:
        return run("refresh_policy", "partsOfRefresh($0)", {"historyDue": False, "daysDue": False} | state)

    assert parts(offset=0, daysDue=True) == ["needs", "waiting", "history", "days"]
    assert parts(offset=100) == ["needs", "waiting"]
    assert parts(offset=100, historyDue=True) == ["needs", "waiting", "history"]


def test_the_totals_by_day_are_due_when_a_row_has_ended(run: Run) -> None:
    rows = [{"id": "a", "status": "landing", "rows": 3}]
    ended = [{"id": "a", "status": "landed", "rows": 3}]
    assert run("refresh_policy", "historyMark({ rows: $0 }) === historyMark({ rows: $1 })", rows, ended) is False
    assert run("refresh_policy", "historyMark({ rows: $0 }) === historyMark({ rows: $1 })", rows, rows) is True
