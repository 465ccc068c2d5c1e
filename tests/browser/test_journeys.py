"""
The whole job in the browser alone: connect, test, trigger, watch, find the object, settle what is unclear.

REST and the sandbox are asked only for what is compared. Once the form that starts a run has worked, the runs that only
lead to an outcome are started by REST: the form alone is seconds of work for a browser. Each scenario has a number of
rows of its own.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, expect

from dev.browser.connection_pages import ConnectionPages
from dev.browser.deployment import BUCKET, Deployment
from dev.browser.ekyc_page import PAGE, RUN_PATIENCE, EkycPage
from dev.browser.person import Person
from dev.browser.run_pages import RunPages
from dev.stack.processes import free_ports
from dev.stack.result_object import read_back
from dev.testing.waiting import wait_until

pytestmark = pytest.mark.airflow

DAG = "ekyc_basic"
MAPPED = "ekyc_mapped_group"
CONNECTION = "ekyc_default"
#: What a vendor's answer may contain; it would say so if it were run. Messages leave tags out, unless they are long.
SCRIPT = f"<img alt={'a' * 101} src=x onerror='window.intruded = 1'><script {'b' * 101}>window.intruded = 1</script>"


@pytest.fixture(scope="module")
def connections(admin: Person) -> ConnectionPages:
    return ConnectionPages(admin)


@pytest.fixture(scope="module")
def connection(connections: ConnectionPages, deployment: Deployment) -> ConnectionPages:
    """The connection, made in the form with the wrong key, and the page of connections."""
    connections.add(
        CONNECTION,
        "ekyc",
        {**address_fields(deployment), "API key": "made-up-wrong-key"},
        {"result_hosts": deployment.sandbox.url, "prices": "amazon=0.001"},
    )
    return connections


def address_fields(deployment: Deployment) -> dict[str, str]:
    url = urlsplit(deployment.sandbox.url)
    return {"Base URL": f"{url.scheme}://{url.hostname}", "Port": str(url.port)}


@pytest.fixture(scope="module")
def connected(connection: ConnectionPages, deployment: Deployment) -> None:
    """The connection with the right key."""
    connection.edit(CONNECTION, {"API key": deployment.key})


@pytest.fixture(scope="module")
def page(admin: Person, connected: None) -> EkycPage:
    return EkycPage(admin)


@pytest.fixture(autouse=True)
def _no_faults(deployment: Deployment) -> Iterator[None]:
    """No fault of the test before, and remote tasks that are done soon, but where a test is about the wait."""
    deployment.sandbox.change(pace=5000.0, queue_seconds=0.0)
    yield
    deployment.sandbox.clear_faults()


def params_of(deployment: Deployment, rows: int) -> dict[str, str]:
    return {"numbers": deployment.numbers(rows), "s3_bucket": BUCKET, "prefix": "browser/"}


def start_run(deployment: Deployment, rows: int) -> str:
    return deployment.rest.trigger(DAG, params_of(deployment, rows))


def unknown_outcome(page: EkycPage, deployment: Deployment, rows: int) -> tuple[str, Locator]:
    """A run whose submission is accepted and charged, without an answer, and its card on the page."""
    deployment.sandbox.fault("submit", "cut_after")
    run_id = start_run(deployment, rows)
    page.open()
    return run_id, card_of_ended_run(page, deployment, DAG, run_id)


def card_of_ended_run(page: EkycPage, deployment: Deployment, dag_id: str, run_id: str) -> Locator:
    """The card of a run, once the run has ended too.

    While the scheduler ends a run, a clear may be lost. The page then starts the run again (tests/page/test_settle.py);
    here what a clear does of itself is looked at.
    """
    card = page.wait_for_card(run_id)
    deployment.rest.wait_for_run(dag_id, run_id)
    return card


def remote_id(deployment: Deployment, rows: int) -> str:
    """What the vendor's console would show for a submission."""
    return next(charge.task_id for charge in deployment.sandbox.bill.submissions if charge.rows == rows)


def test_a_wrong_key_a_wrong_host_and_the_right_ones_are_told_apart_by_the_test_of_the_connection(
    connection: ConnectionPages, deployment: Deployment
) -> None:
    works, said = connection.test(CONNECTION)
    assert not works
    assert "key" in said
    assert "clear this task" not in said
    connection.edit(CONNECTION, {"API key": deployment.key, "Port": str(free_ports(1)[0])})
    works, said = connection.test(CONNECTION)
    assert not works
    assert "127.0.0.1" in said
    assert "key" not in said
    connection.edit(CONNECTION, {"Port": str(urlsplit(deployment.sandbox.url).port)})
    works, said = connection.test(CONNECTION)
    assert works
    assert "127.0.0.1" in said
    assert "balance" in said.lower()


def test_before_the_first_run_the_page_is_empty_and_says_what_to_do(page: EkycPage) -> None:
    page.open()
    assert page.section("History").get_by_role("table").count() == 0
    assert "EkycSubmitOperator" in page.page.locator("main, #root").first.inner_text()


def test_a_run_is_watched_from_trigger_to_object_on_the_page_alone(
    page: EkycPage, admin: Person, deployment: Deployment
) -> None:
    deployment.sandbox.change(pace=15.0)
    # One query is answered, the others not until its figures have been seen, however long the browser needs.
    deployment.sandbox.fault("status", "status", status=503, skip=1, times=None)
    run_id = RunPages(admin, DAG).trigger(params_of(deployment, 600))
    page.open()
    waiting = page.row("Waiting now", run_id)
    expect(waiting.get_by_role("progressbar")).to_be_visible(timeout=RUN_PATIENCE)
    seen = page.cells(waiting)
    assert re.search(r"\d+ of 600", seen["Progress"])
    deployment.sandbox.clear_faults()
    cells = page.wait_for_status(run_id, "Landed")
    key = page.copy_object(page.row("History", run_id)).removeprefix(f"s3://{BUCKET}/")
    found = read_back(deployment.s3.client(), BUCKET, key)
    assert (cells["Rows"], cells["Yes"], cells["No"]) == (f"{found.rows:,}", f"{found.yes:,}", f"{found.no:,}")
    assert cells["Cost"].startswith("0.6")
    assert remote_id(deployment, 600) in cells["Remote id"]
    assert deployment.paid_for(600) == 1


def test_an_unknown_outcome_is_adopted_with_two_clicks_and_a_paste(page: EkycPage, deployment: Deployment) -> None:
    run_id, card = unknown_outcome(page, deployment, 610)
    for known in ("610", "before"):
        expect(card).to_contain_text(known)
    page.adopt(card, remote_id(deployment, 610))
    page.wait_until_settled(card)
    cells = page.wait_for_status(run_id, "Landed")
    assert cells["Rows"] == "610"
    assert page.card(run_id).count() == 0 or page.wait_until_settled(card)
    assert deployment.paid_for(610) == 1


def test_an_unknown_outcome_is_sent_again_after_a_question(page: EkycPage, deployment: Deployment) -> None:
    run_id, card = unknown_outcome(page, deployment, 620)
    asked = page.send_again(card)
    assert "charged twice" in asked
    assert "0.62" in asked
    page.wait_until_settled(card)
    page.wait_for_status(run_id, "Landed")
    assert deployment.paid_for(620) == 2


def test_a_failed_landing_is_picked_up_without_another_submission(page: EkycPage, deployment: Deployment) -> None:
    deployment.sandbox.fault("result", "missing_rows", times=None)
    run_id = start_run(deployment, 630)
    page.open()
    card = card_of_ended_run(page, deployment, DAG, run_id)
    expect(card).to_contain_text("not landed")
    deployment.sandbox.clear_faults()
    page.clear(card)
    page.wait_until_settled(card)
    page.wait_for_status(run_id, "Landed")
    assert deployment.paid_for(630) == 1


def test_an_id_that_is_not_known_changes_nothing(page: EkycPage, deployment: Deployment) -> None:
    run_id, card = unknown_outcome(page, deployment, 640)
    page.adopt(card, "made-up-id")
    expect(card.get_by_role("alert")).to_contain_text("Nothing was changed")
    # What was typed is still there, to be corrected.
    expect(card.get_by_role("textbox")).to_have_value("made-up-id")
    assert deployment.rest.run(DAG, run_id)["state"] == "failed"


def test_a_script_of_the_vendor_stays_text(page: EkycPage, deployment: Deployment) -> None:
    deployment.sandbox.fault("status", "status", status=400, body=json.dumps({"error": SCRIPT}), times=None)
    run_id = start_run(deployment, 650)
    page.open()
    card = page.wait_for_card(run_id)
    expect(card).to_contain_text("<img")
    assert page.page.evaluate("window.intruded") is None


def test_one_of_three_mapped_files_is_adopted(page: EkycPage, admin: Person, deployment: Deployment) -> None:
    rows = (661, 662, 663)
    for number in rows:
        deployment.put_numbers(f"lists/{number}.txt", number)
    deployment.sandbox.fault("submit", "cut_after")
    run_id = RunPages(admin, MAPPED).trigger({"s3_bucket": BUCKET, "prefix": "lists/"})
    page.open()
    card = card_of_ended_run(page, deployment, MAPPED, run_id)
    index = next(at for at in range(3) if f"[{at}]" in card.inner_text())
    page.adopt(card, remote_id(deployment, rows[index]))
    page.wait_until_settled(card)
    for at, number in enumerate(rows):
        assert page.wait_for_status(run_id, "Landed", at)["Rows"] == str(number)
        assert deployment.paid_for(number) == 1


def test_an_outcome_is_settled_by_keyboard_alone(page: EkycPage, deployment: Deployment) -> None:
    run_id, card = unknown_outcome(page, deployment, 670)
    keyboard = page.page.keyboard
    focused = "document.activeElement?.innerText + '|' + document.activeElement?.closest('li')?.innerText"

    def tab_to(name: str) -> None:
        for _ in range(120):
            keyboard.press("Tab")
            label, _, around = str(page.page.evaluate(focused)).partition("|")
            if label.strip() == name and run_id in around:
                return
        raise AssertionError(f"{name} is not reached with the Tab key")

    tab_to("Adopt")
    keyboard.press("Enter")
    expect(card.get_by_role("textbox")).to_be_focused()
    keyboard.type(remote_id(deployment, 670))
    keyboard.press("Enter")
    page.wait_until_settled(card)
    page.wait_for_status(run_id, "Landed")
    assert deployment.paid_for(670) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_cut_off_at_360_pixels(browser: Browser, deployment: Deployment, page: EkycPage, dark: bool) -> None:
    with Person(browser, deployment.airflow.url, width=360, height=740, dark=dark).send_login(
        *deployment.login()
    ) as person:
        narrow = EkycPage(person)
        narrow.open()
        expect(narrow.section("History").get_by_role("row").nth(1)).to_be_visible()
        assert person.overflow() == 0
        assert person.page.evaluate("document.documentElement.classList.contains('dark')") is dark
        assert person.seen.errors == []


def test_the_tab_of_a_run_shows_that_run(page: EkycPage, admin: Person, deployment: Deployment) -> None:
    runs = deployment.rest.runs(DAG)
    page.open_tab(RunPages(admin, DAG).path(runs[0]["dag_run_id"]))
    expect(page.section("History").get_by_role("row")).to_have_count(2)  # the head and the row


def test_the_background_asks_at_most_once_in_five_seconds(
    page: EkycPage, admin: Person, deployment: Deployment
) -> None:
    deployment.sandbox.change(pace=10.0)
    run_id = start_run(deployment, 300)
    page.open()
    page.row("Waiting now", run_id).wait_for(timeout=RUN_PATIENCE)
    begun = admin.clock()
    assert wait_until(
        lambda: admin.page.wait_for_timeout(200) or len(admin.fetched("/ekyc/", begun)) >= 4, interval=0.0
    )
    times = admin.fetched("/ekyc/", begun)
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 4.9


def test_the_extra_link_of_a_submission_leads_to_its_row(page: EkycPage, admin: Person, deployment: Deployment) -> None:
    run_id = next(run["dag_run_id"] for run in deployment.rest.runs(DAG) if run["state"] == "success")
    links = RunPages(admin, DAG).links(run_id, "submit")
    address = next(address for address in links.values() if PAGE in address)
    admin.page.goto(urljoin(f"{admin.url}/", address))
    page.wait_for_data()
    expect(page.row("History", run_id)).to_be_visible()
