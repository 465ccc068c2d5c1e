"""The pictures of the documentation, from a real Airflow in a browser: ``make screenshots``.

All that they show is made up: the sandbox's answers, numbers of no country, a key that nobody has.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from dev.browser.chromium import chromium
from dev.browser.connection_pages import ConnectionPages
from dev.browser.deployment import BUCKET, Deployment
from dev.browser.ekyc_page import RUN_PATIENCE, EkycPage
from dev.browser.person import Person
from dev.browser.run_pages import RunPages
from dev.stack.compat.versions import ROOT

IMAGES = ROOT / "docs" / "images"
DAG = "ekyc_basic"
#: Pixels. Wide enough for all columns, and readable in a page of the documentation.
WIDTH, HEIGHT = 1280, 800


def main() -> None:
    """Make the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    dags = [ROOT / "example_dags" / f"{DAG}.py"]
    with (
        tempfile.TemporaryDirectory(prefix="ekyc-screenshots-") as folder,
        chromium() as browser,
        Deployment(Path(folder), dags) as deployment,
    ):
        _take(browser, deployment)
    for picture in sorted(IMAGES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size / 1024:.0f} KiB")


def _take(browser: Browser, deployment: Deployment) -> None:
    login, url = deployment.login(), deployment.airflow.url
    with Person(browser, url, width=WIDTH, height=HEIGHT).sign_in(*login) as person:
        _connect(person, deployment)
        pages, page = RunPages(person, DAG), EkycPage(person)
        landed = pages.trigger(_params(deployment, 600))
        page.open()
        page.wait_for_status(landed, "Landed")
        deployment.sandbox.fault("submit", "cut_after")
        unknown = pages.trigger(_params(deployment, 2000))
        page.open()
        page.wait_for_card(unknown)
        deployment.sandbox.change(pace=5.0)
        waiting = pages.trigger(_params(deployment, 1000))
        page.open()
        expect(page.row("Waiting now", waiting).get_by_role("progressbar")).to_be_visible(timeout=RUN_PATIENCE)
        person.page.screenshot(path=IMAGES / "page.png")
        page.card(unknown).get_by_role("button", name="Adopt", exact=True).click()
        page.card(unknown).screenshot(path=IMAGES / "adopt.png")
    with Person(browser, url, width=WIDTH, height=HEIGHT, dark=True).sign_in(*login) as person:
        EkycPage(person).open()
        person.page.screenshot(path=IMAGES / "page-dark.png")


def _connect(person: Person, deployment: Deployment) -> None:
    connections, url = ConnectionPages(person), urlsplit(deployment.sandbox.url)
    connections.add(
        "ekyc_default",
        "ekyc",
        {"Base URL": f"{url.scheme}://{url.hostname}", "Port": str(url.port), "API key": deployment.key},
        {"result_hosts": deployment.sandbox.url, "prices": "amazon=0.001"},
    )


def _params(deployment: Deployment, rows: int) -> dict[str, str]:
    return {"numbers": deployment.numbers(rows), "s3_bucket": BUCKET, "prefix": "results/"}


if __name__ == "__main__":
    main()
