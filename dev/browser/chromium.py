"""
Debian's Chromium, started by Playwright.

The headless shell if it is there, as Playwright's own: without windows and their compositor a page takes a third less
CPU. And pages are opened for seconds: to optimise their scripts takes longer than to run them as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

#: Names of the program, Debian's first.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: No sandbox: tests run as root in containers. Nothing is loaded but what is on 127.0.0.1.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--js-flags=--no-opt --no-maglev --max-lazy --single-threaded",
)


class NoChromiumError(Exception):
    """There is no Chromium on this machine. The message says how to install it."""


def chromium_program() -> Path:
    """Find the browser.

    :return: its path
    :raises NoChromiumError: if it is not installed
    """
    found = next((path for path in map(shutil.which, PROGRAMS) if path), None)
    if found is None:
        raise NoChromiumError("There is no Chromium. On Debian: apt-get install chromium-headless-shell")
    return Path(found)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser for as long as the context lasts.

    Each context that is made in it is a person of its own, with cookies of its own. Its profile is a temporary
    directory, which Playwright removes.

    :return: the browser
    """
    program = chromium_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
