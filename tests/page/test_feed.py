"""``plugins/static/feed.js``: one call at a time, at most one in five seconds. The test moves the browser's clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.page.page_server import Answer, PageServer

ROUTE = "ekyc/verifications"


def answer(*, waiting: int = 1, history: int = 1, status: str = "waiting") -> Answer:
    rows = [{"id": f"{index}", "status": status, "rows": 3} for index in range(max(waiting, history))]
    return Answer(
        {
            "now": "2026-11-26T06:00:00+00:00",
            "refresh_seconds": 5,
            "needs": {"rows": [], "more": False},
            "waiting": {"rows": rows[:waiting], "more": False},
            "history": {"rows": rows[:history], "offset": 0, "limit": 100, "more": False},
            "days": {"days": [], "counted": 0, "complete": True},
        }
    )


class FeedPage:
    """A feed in a page whose time stands still until it is moved on."""

    def __init__(self, page: Page, server: PageServer) -> None:
        self.page = page
        self.server = server

    def do(self, code: str, *values: Any) -> Any:
        return self.page.evaluate(f"async (values) => {{ const feed = globalThis.feed; {code} }}", list(values))

    def start(self, **filters: Any) -> None:
        self.do("feed.setFilters(values[0])", {"offset": 0, **filters})
        self.settled()

    def settled(self) -> None:
        """Wait until no call is under way."""
        self.page.wait_for_function("() => globalThis.feed.isQuiet()")

    def later(self, seconds: float) -> list[str]:
        """Move the time on; return the parts of each call that was made."""
        before = len(self.server.received)
        for _ in range(int(seconds * 2)):
            self.page.clock.run_for(500)
            self.settled()
        return [each.query["part"] for each in self.server.received[before:]]


@pytest.fixture
def feed(browser: Browser, server: PageServer) -> Iterator[FeedPage]:
    page = browser.new_page()
    page.clock.install()
    page.goto(server.url)
    page.clock.pause_at("2030-01-01T00:00:00Z")
    page.evaluate(
        """async () => {
          const { Feed } = await import(new URL('ekyc/static/feed.js', document.baseURI));
          const { ask } = await import(new URL('ekyc/static/request.js', document.baseURI));
          let running = 0;
          const counted = (...given) => { running += 1; return ask(...given).finally(() => { running -= 1; }); };
          globalThis.feed = new Feed(counted);
          globalThis.feed.isQuiet = () => running === 0;
        }"""
    )
    yield FeedPage(page, server)
    page.close()


def test_the_rows_come_first_and_then_the_totals(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start(state="failed")
    assert [each.query["part"] for each in server.received] == ["needs,waiting,history", "days"]
    assert server.received[0].query["state"] == "failed"
    assert server.received[0].query["limit"] == "100"


def test_in_the_background_there_is_one_call_in_five_seconds_at_most(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    assert len(feed.later(60)) <= 60 / 5
    assert set(feed.later(60)) == {"needs,waiting,history"}


def test_where_nothing_waits_there_are_fewer(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer(waiting=0, status="landed")]
    feed.start()
    assert 4 <= len(feed.later(60)) <= 60 / 10


def test_an_answer_without_its_parts_is_a_problem_and_does_not_end_the_calls(
    feed: FeedPage, server: PageServer
) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    server.answers[ROUTE] = [Answer({"waiting": {"more": False}}), answer()]
    while not feed.later(1):
        pass
    assert "lacks parts" in feed.do("return feed.snapshot().problem.text")
    assert len(feed.do("return feed.snapshot().data.waiting.rows")) == 1
    assert len(feed.later(15)) >= 1
    assert feed.do("return feed.snapshot().problem") is None


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_seen(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    feed.do("feed.setHidden(true)")
    assert feed.later(120) == []
    feed.do("feed.setHidden(false)")
    assert len(feed.later(1)) == 1


def test_a_paused_page_asks_nothing_by_itself(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    feed.do("feed.setPaused(true)")
    assert feed.later(60) == []
    feed.do("await feed.refresh()")
    assert len(server.received) > 2
    feed.do("feed.setPaused(false)")
    assert len(feed.later(20)) >= 2


def test_the_totals_come_along_when_a_row_has_ended(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    server.answers[ROUTE] = [answer(waiting=1, status="landed")]
    parts = feed.later(30)
    assert parts[0] == "needs,waiting,history"
    assert parts[1] == "needs,waiting,history,days"
    assert set(parts[2:]) == {"needs,waiting,history"}


def test_a_later_page_is_not_refreshed(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start(offset=100)
    assert server.received[0].query["offset"] == "100"
    assert set(feed.later(30)) == {"needs,waiting"}


@pytest.mark.parametrize("shown", [True, False])
def test_a_later_page_that_failed_is_asked_for_again(feed: FeedPage, server: PageServer, shown: bool) -> None:
    if shown:
        server.answers[ROUTE] = [answer()]
        feed.start()
    server.answers[ROUTE] = [Answer({}, status=503), answer()]
    feed.start(offset=100)
    parts = feed.later(30)
    assert parts[0].startswith("needs,waiting,history")
    assert parts[1:]
    assert not [each for each in parts[1:] if "history" in each]
    later = server.received[-len(parts)]
    assert later.query["offset"] == "100"
    assert feed.do("return feed.snapshot().data.history.rows.length") == 1


def test_after_failures_the_calls_become_fewer_and_the_rows_stay(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    server.answers[ROUTE] = [Answer({"detail": "database is locked"}, status=500)]
    assert len(feed.later(120)) <= 5
    state = feed.do("return feed.snapshot()")
    assert state["problem"]["text"] == "database is locked"
    assert len(state["data"]["history"]["rows"]) == 1
    server.answers[ROUTE] = [answer()]
    feed.later(60)
    assert feed.do("return feed.snapshot().problem") is None


@pytest.mark.parametrize("status", [401, 403])
def test_without_a_login_or_the_right_nothing_is_asked_again(feed: FeedPage, server: PageServer, status: int) -> None:
    server.answers[ROUTE] = [Answer({"detail": "no"}, status=status)]
    feed.start()
    assert feed.later(120) == []
    server.answers[ROUTE] = [answer()]
    feed.do("await feed.refresh()")
    assert feed.do("return feed.snapshot().problem") is None
    assert feed.later(20) != []


def test_of_two_filters_the_last_one_counts(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer(history=3)]
    feed.do("feed.setFilters({ offset: 0, dag_id: 'a' }); feed.setFilters({ offset: 0, dag_id: 'b' })")
    feed.settled()
    assert feed.do("return feed.snapshot().filters.dag_id") == "b"
    assert server.received[-1].query["dag_id"] == "b"


def test_the_same_filters_ask_nothing_anew(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start(dag_id="a")
    calls = len(server.received)
    feed.start(dag_id="a")
    assert len(server.received) == calls


def test_rows_that_did_not_change_stay_the_same_objects(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    feed.do("globalThis.before = feed.snapshot().data.history.rows")
    feed.later(6)
    assert feed.do("return feed.snapshot().data.history.rows === globalThis.before") is True


def test_a_closed_feed_asks_nothing(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    feed.do("feed.close()")
    assert feed.later(30) == []
    # A way out that was begun on it may end later.
    feed.do("await feed.refresh()")
    assert feed.later(30) == []


def test_totals_of_other_filters_are_called_so(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    lists = Answer({name: part for name, part in answer().body.items() if name != "days"})
    server.answers[ROUTE] = [lists, Answer({}, status=503), lists, answer()]
    feed.start(state="failed")
    assert feed.do("return feed.snapshot().old") == {"lists": False, "history": False, "totals": True}
    feed.later(60)
    assert feed.do("return feed.snapshot().old.totals") is False


def test_totals_that_were_read_before_are_those_of_their_filters_again(feed: FeedPage, server: PageServer) -> None:
    lists = Answer({name: part for name, part in answer().body.items() if name != "days"})
    server.answers[ROUTE] = [answer(), answer(), lists, Answer({}, status=503), lists]
    feed.start()
    feed.start(state="failed")
    feed.start()
    assert feed.do("return feed.snapshot().old") == {"lists": False, "history": False, "totals": False}
    assert feed.do("return feed.snapshot().data.days.counted") == 0


def test_after_a_call_that_failed_the_totals_are_left_out(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer(), Answer({}, status=503), answer()]
    feed.start()
    parts = feed.later(60)
    assert parts[0] == "needs,waiting,history"
    assert parts[1] == "needs,waiting,history,days"


def test_rows_of_other_filters_are_called_so(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [answer()]
    feed.start()
    assert feed.do("return feed.snapshot().old") == {"lists": False, "history": False, "totals": False}
    server.answers[ROUTE] = [Answer({}, status=503), answer()]
    feed.start(state="failed")
    assert feed.do("return feed.snapshot().old") == {"lists": True, "history": True, "totals": True}
    assert feed.do("return feed.snapshot().busy") is False
    feed.later(30)
    assert feed.do("return feed.snapshot().old") == {"lists": False, "history": False, "totals": False}


def test_a_first_answer_without_its_parts_is_a_problem(feed: FeedPage, server: PageServer) -> None:
    server.answers[ROUTE] = [Answer({"needs": {"rows": [], "more": False}}), answer()]
    feed.start()
    assert feed.do("return feed.snapshot().data") is None
    assert "lacks parts" in feed.do("return feed.snapshot().problem.text")
    assert feed.later(30)
    assert feed.do("return feed.snapshot().problem") is None
