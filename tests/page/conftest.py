"""The page's scripts in a real browser: alone, or in Airflow's own UI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser

from dev.browser.chromium import chromium
from tests.page.page_server import PageServer


class Run(Protocol):
    """Run a line of JavaScript, with a module's exports as its names."""

    def __call__(self, module: str, code: str, *values: Any) -> Any:
        """Return what the code returns; ``values`` are its ``$0``, ``$1``."""


# Of a module, not of the session: Playwright keeps an event loop running, which asyncio's own tests must not find.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def _server() -> Iterator[PageServer]:
    with PageServer() as running:
        yield running


@pytest.fixture
def server(_server: PageServer) -> PageServer:
    """The server that the scripts come from, without answers yet."""
    _server.forget()
    return _server


@pytest.fixture(scope="module")
def run(browser: Browser, _server: PageServer) -> Iterator[Run]:
    """Run code with the exports of one of the page's scripts."""
    page = browser.new_page(timezone_id="Europe/Madrid", locale="de-DE")
    page.goto(_server.url)

    def call(module: str, code: str, *values: Any) -> Any:
        return page.evaluate(
            """async ([module, code, values]) => {
              const exports = await import(new URL(`ekyc/static/${module}.js`, document.baseURI));
              const names = [...Object.keys(exports), ...values.map((_, index) => `$${index}`)];
              const AsyncFunction = (async () => {}).constructor;
              return await new AsyncFunction(...names, code)(...Object.values(exports), ...values);
            }""",
            [module, code if "return" in code else f"return {code}", list(values)],
        )

    yield call
    page.close()
