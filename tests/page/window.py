"""A window of Airflow's UI with the page, whose data a test makes up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Error, Locator, Page, Route, expect

from dev.browser.person import NOWHERE, PATIENCE, follow
from tests.page.made_up import answer

DATA = "**/ekyc/verifications*"


class Shown:
    """The page as one user sees it; ``says`` is what the route answers, ``asked`` what it was asked."""

    def __init__(self, page: Page, url: str) -> None:
        page.set_default_timeout(PATIENCE)
        self.page = page
        self.url = url
        self.says: dict[str, Any] = answer()
        self.asked: list[dict[str, str]] = []
        self.sent: list[tuple[str, str, Any]] = []
        self.errors: list[str] = []
        self.page.on("pageerror", self._note_error)
        self.page.route(DATA, self._answer)

    def leave(self) -> None:
        """Leave the page, so that another test can open it in the same window."""
        self.page.remove_listener("pageerror", self._note_error)
        follow(self.page, self.url, NOWHERE)
        self.page.unroute_all()

    def forget(self) -> None:
        """Leave Airflow's UI, so that all of it is loaded when the page is opened."""
        self.page.goto("about:blank")

    def open(self, says: dict[str, Any] | None = None, path: str = "/plugin/ekyc") -> Page:
        self.says = says or self.says
        follow(self.page, self.url, path)
        expect(self.page.locator(".ekyc-foot, [role=alert]").first).to_be_visible(timeout=PATIENCE)
        return self.page

    def routes(self, **answers: Any) -> None:
        """Answer other requests of the page: their path's last part and its JSON."""

        def handler(value: Any) -> Callable[[Route], None]:
            def handle(route: Route) -> None:
                request = route.request
                self.sent.append((request.method, urlsplit(request.url).path, request.post_data_json))
                route.fulfill(json=value)

            return handle

        for name, value in answers.items():
            self.page.route(f"**/{name.replace('_', '-') if name == 'send_again' else name}", handler(value))

    def refreshed(self) -> None:
        """Wait for the answer of the next call, and until it is drawn."""
        with self.page.expect_response(DATA, timeout=PATIENCE):
            pass
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=re.compile(f"^{name}"))

    def _note_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _answer(self, route: Route) -> None:
        query = dict(parse_qsl(urlsplit(route.request.url).query))
        self.asked.append(query)
        parts = query["part"].split(",")
        lists = ("needs", "waiting", "history", "days")
        route.fulfill(json={name: value for name, value in self.says.items() if name not in lists or name in parts})
