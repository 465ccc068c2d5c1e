"""A user at a browser: sign in, open pages, see what the browser sees."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response

#: When requests of the page were sent, in seconds of its own clock.
FETCHED = """([prefix, after]) => performance.getEntriesByType("resource")
  .filter(entry => new URL(entry.name).pathname.startsWith(prefix))
  .map(entry => entry.startTime / 1000).filter(at => at > after)"""

#: Goes to a path as a click on a link of Airflow's UI does: React Router listens to the event.
_FOLLOW = """path => {
  history.pushState({ ...history.state, idx: (history.state?.idx ?? 0) + 1 }, "", path);
  dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
}"""

#: A path for which the UI has no page.
NOWHERE = "/plugin/no-such-page"

#: Milliseconds. A machine with several deployments answers slowly; nobody waits longer than needed.
PATIENCE = 60_000.0


def follow(page: Page, url: str, path: str) -> None:
    """Go to a page of the plugin within the UI that is loaded, as a click on a link does; open it where none is loaded.

    To load the UI's scripts is seconds of CPU. What was shown before is gone first.

    :param page: the browser's page
    :param url: address of the API server
    :param path: path, with its query
    """
    if not page.url.startswith(f"{url}/") or page.url.startswith(f"{url}/auth/"):
        page.goto(f"{url}{path}")
        return
    page.evaluate(_FOLLOW, NOWHERE)
    page.wait_for_function("() => document.querySelector('.ekyc-page') === null")
    if path != NOWHERE:
        page.evaluate(_FOLLOW, path)


@dataclass
class Seen:
    """What a browser has requested and reported.

    :param calls: time (:func:`time.monotonic`), method and path of each request for data, without its query
    :param answers: path and status of each of them
    :param errors: what the page reported as an error: scripts that failed, and what was logged as an error
    """

    calls: list[tuple[float, str, str]] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def calls_of(self, prefix: str, method: str | None = None) -> list[float]:
        """Return when something was requested.

        :param prefix: how the path begins
        :param method: HTTP method; all by default
        :return: the times
        """
        return [at for at, how, path in self.calls if path.startswith(prefix) and method in (None, how)]


class Person:
    """One user, in a browser context of their own.

    :param browser: a running browser
    :param url: address of the API server
    :param width: of the window, in pixels
    :param height: of the window, in pixels
    :param dark: whether the user has chosen dark mode
    """

    def __init__(self, browser: Browser, url: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> None:
        self.url = url.rstrip("/")
        self.seen = Seen()
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        self._context.set_default_timeout(PATIENCE)
        self._context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.url)
        if dark:
            # Where Airflow's UI remembers the choice of its own button.
            self._context.add_init_script("localStorage.setItem('theme', 'dark')")
        # 250 by default: what a page has sent after that would not be listed.
        self._context.add_init_script("performance.setResourceTimingBufferSize(10000)")
        self.page: Page = self._context.new_page()
        self._watch(self.page)

    def sign_in(self, user: str, password: str) -> Self:
        """Sign in with the form, of SimpleAuthManager or of the FAB provider.

        :param user: user name
        :param password: password
        """
        self.page.goto(f"{self.url}/auth/login/")
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_url(lambda address: "/login" not in urlsplit(address).path)
        return self

    def send_login(self, user: str, password: str) -> Self:
        """Sign in with the requests of the form of the FAB provider, without its page and the one that comes after it.

        :param user: user name
        :param password: password
        :raises ValueError: if there is no form, or it is refused
        """
        address = f"{self.url}/auth/login/"
        form = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._context.request.get(address).text())
        if form is None:
            raise ValueError(f"{address} has no form")
        answer = self._context.request.post(
            address, form={"csrf_token": form[1], "username": user, "password": password}
        )
        if "/login" in urlsplit(answer.url).path:
            raise ValueError(f"{address} was not accepted for {user}")
        return self

    def sign_out(self) -> None:
        """Forget the cookies. The window stays, and what the browser has loaded of Airflow's scripts."""
        self.page.goto("about:blank")
        self._context.clear_cookies()

    def open(self, path: str = "/") -> Page:
        """Open a page of Airflow.

        :param path: path, with its query
        :return: the browser's page
        """
        self.page.goto(f"{self.url}{path}")
        return self.page

    def follow(self, path: str) -> Page:
        """Go to a page of the plugin, within the UI if it is loaded.

        :param path: path, with its query
        :return: the browser's page
        """
        follow(self.page, self.url, path)
        return self.page

    @property
    def path(self) -> str:
        """Path of the page that is open."""
        return urlsplit(self.page.url).path

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window; 0 if nothing has to be scrolled sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    @contextmanager
    def counting(self) -> Iterator[Seen]:
        """Record requests from now on, apart from those before.

        :return: what is seen in the context
        """
        before, self.seen = self.seen, Seen()
        try:
            yield self.seen
        finally:
            before.calls += self.seen.calls
            before.answers += self.seen.answers
            before.errors += self.seen.errors
            self.seen = before

    def clock(self) -> float:
        """Return the seconds of the page's own clock."""
        return float(self.page.evaluate("performance.now()")) / 1000

    def fetched(self, prefix: str, after: float) -> list[float]:
        """Return when answered requests were sent, by the page's own clock, however late this process hears of them.

        :param prefix: how the path begins
        :param after: seconds of :meth:`clock`
        """
        return [float(at) for at in self.page.evaluate(FETCHED, [prefix, after])]

    def close(self) -> None:
        """Close the windows and forget the cookies."""
        self._context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _watch(self, page: Page) -> None:
        def requested(request: Request) -> None:
            if request.resource_type in ("fetch", "xhr"):
                self.seen.calls.append((time.monotonic(), request.method, urlsplit(request.url).path))

        def answered(response: Response) -> None:
            if response.request.resource_type in ("fetch", "xhr"):
                self.seen.answers.append((urlsplit(response.url).path, response.status))

        page.on("request", requested)
        page.on("response", answered)
        page.on("pageerror", lambda error: self.seen.errors.append(str(error)))
        page.on("console", lambda line: self.seen.errors.append(line.text) if line.type == "error" else None)
