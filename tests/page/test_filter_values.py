"""``plugins/static/filter_values.js``: filters in the page's address and as the server reads them."""

from __future__ import annotations

from tests.page.conftest import Run

READ = "readFilters(new URLSearchParams($0))"


def test_an_address_gives_filters_and_filters_give_the_address_back(run: Run) -> None:
    query = "dag_id=a%2Fb&run_id=manual__1%2B00%3A00&task_id=g.submit&map_index=3&state=failed"
    query += "&since=2026-11-01&until=2026-11-26&offset=100"
    assert run("filter_values", f"new URLSearchParams(writeFilters({READ})).toString() === $0", query)


def test_what_is_malformed_is_left_out(run: Run) -> None:
    query = "since=01.11.2026&until=soon&offset=-5&state=%3Cscript%3E&dag_id=&other=1"
    assert run("filter_values", READ, query) == {}


def test_days_become_instants_and_the_last_day_is_in(run: Run) -> None:
    given = {"dag_id": "a", "since": "2026-11-25", "until": "2026-11-26", "offset": 100}
    sent = run("filter_values", "forServer($0, 'Asia/Tokyo')", given)
    assert sent["since"] == "2026-11-24T15:00:00.000Z"
    assert sent["until"] == "2026-11-26T15:00:00.000Z"
    assert (sent["zone"], sent["offset"]) == ("Asia/Tokyo", 100)
    assert "task_id" not in sent


def test_the_run_of_a_tab_is_no_filter(run: Run) -> None:
    given = {"dag_id": "a", "run_id": "r"}
    assert run("filter_values", "[isFiltered($0, $0), isFiltered($0, null), isFiltered({}, null)]", given) == [
        False,
        True,
        False,
    ]
