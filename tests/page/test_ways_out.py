"""The page's buttons on a real Airflow whose chains have failed: adopt, send again, clear, and what lands afterwards.

On the Airflow of ``tests/plugins/test_settle_server.py``, with chains of their own.
``EKYC_TEST_PYTHON`` names the interpreter of another Airflow with this package.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from dev.browser.person import PATIENCE, Person
from tests.plugins.settled_airflow import BUCKET, PAGE_MAPPED_ROWS, PAGE_ROWS, RUN, SettledAirflow

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def person(settled: SettledAirflow, browser: Browser) -> Iterator[Person]:
    """Who operates it, signed in."""
    with Person(browser, settled.airflow.url) as signed_in:
        signed_in.sign_in(*settled.airflow.login)
        # Each click is counted where it arrives.
        signed_in.page.add_init_script(
            "addEventListener('click', () => { globalThis.clicks = (globalThis.clicks ?? 0) + 1 }, true)"
        )
        yield signed_in
        # A browser logs each answer that is an error: the id that the API does not know is one.
        assert [error for error in signed_in.seen.errors if "404 (Not Found)" not in error] == []


def card(person: Person, dag_id: str, text: str = "") -> Locator:
    """Open the page, and return the card of a chain."""
    person.open(f"/plugin/ekyc?dag_id={dag_id}")
    found = person.page.get_by_role("region", name="Needs you").get_by_role("listitem").filter(has_text=text)
    expect(found.first).to_be_visible(timeout=PATIENCE)
    return found.first


@pytest.mark.parametrize("dag_id", ["page_adopt_in_variables", "page_adopt_in_s3", "page_adopt_in_directory"])
def test_adopted_with_two_clicks_and_one_paste(settled: SettledAirflow, person: Person, dag_id: str) -> None:
    (ekyc_task_id,) = settled.charges(PAGE_ROWS[dag_id])
    chain = card(person, dag_id)
    chain.get_by_role("button", name="Adopt").click()
    person.page.keyboard.insert_text(f" {ekyc_task_id}\n")
    chain.get_by_role("button", name="Check and adopt").click()
    expect(chain.get_by_text("cleared and run again.")).to_be_visible(timeout=PATIENCE)
    assert person.page.evaluate("globalThis.clicks") == 2
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "success"
    assert len(settled.charges(PAGE_ROWS[dag_id])) == 1
    assert settled.rest.xcom(dag_id, RUN, "land", "result")["rows"] == PAGE_ROWS[dag_id]


def test_an_id_that_the_api_does_not_know_changes_nothing(settled: SettledAirflow, person: Person) -> None:
    chain, records = card(person, "page_again_in_s3"), settled.records()
    chain.get_by_role("button", name="Adopt").click()
    person.page.keyboard.insert_text("made-up-id-that-is-not-known")
    person.page.keyboard.press("Enter")
    expect(chain.get_by_role("alert").filter(has_text="othing was changed")).to_be_visible(timeout=PATIENCE)
    expect(chain.get_by_role("textbox")).to_have_value("made-up-id-that-is-not-known")
    assert settled.records() == records


@pytest.mark.parametrize("dag_id", ["page_again_in_variables", "page_again_in_s3"])
def test_sent_again_after_a_question(settled: SettledAirflow, person: Person, dag_id: str) -> None:
    chain = card(person, dag_id)
    chain.get_by_role("button", name="Send again").click()
    expect(chain.get_by_text("would then be charged a second time")).to_be_visible()
    chain.get_by_role("button", name="Send the list again").click()
    expect(chain.get_by_text("cleared and run again.")).to_be_visible(timeout=PATIENCE)
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "success"
    assert len(settled.charges(PAGE_ROWS[dag_id])) == 1


def test_a_failed_landing_is_picked_up(settled: SettledAirflow, person: Person) -> None:
    settled.s3.client().delete_object(Bucket=BUCKET, Key=f"page_no_landing/{RUN}.zip")
    chain = card(person, "page_no_landing", "Paid, not landed")
    chain.get_by_role("button", name="Clear").click()
    chain.get_by_role("button", name="Clear and run again").click()
    expect(chain.get_by_text("1 task is cleared and runs again.")).to_be_visible(timeout=PATIENCE)
    assert settled.rest.wait_for_run("page_no_landing", RUN)["state"] == "success"
    assert len(settled.charges(PAGE_ROWS["page_no_landing"])) == 1


def test_one_map_index_is_picked_up_and_the_others_stay(settled: SettledAirflow, person: Person) -> None:
    dag_id = "page_mapped_no_landing"
    settled.s3.client().delete_object(Bucket=BUCKET, Key=f"{dag_id}/{RUN}-2.zip")
    chain = card(person, dag_id, "[2]")
    chain.get_by_role("button", name="Clear").click()
    chain.get_by_role("button", name="Clear and run again").click()
    expect(chain.get_by_text("1 task is cleared and runs again.")).to_be_visible(timeout=PATIENCE)
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "failed"
    states = {
        each["map_index"]: each["state"]
        for each in settled.rest.task_instances(dag_id, RUN)
        if each["task_id"] == "land"
    }
    assert states == {0: "failed", 1: "success", 2: "success"}
    assert len(settled.charges(*PAGE_MAPPED_ROWS[dag_id])) == 3


def test_the_history_shows_what_was_found_and_where_it_is(person: Person) -> None:
    person.open("/plugin/ekyc?dag_id=page_adopt_in_variables")
    row = person.page.get_by_role("table", name="History").get_by_role("row").nth(1)
    expect(row.get_by_text("Landed")).to_be_visible(timeout=PATIENCE)
    expect(row.get_by_role("cell", name=str(PAGE_ROWS["page_adopt_in_variables"]), exact=True)).to_be_visible()
    row.get_by_role("button", name="Copy the object's address").click()
    copied = person.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"s3://{BUCKET}/page_adopt_in_variables/")
