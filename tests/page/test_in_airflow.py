"""The page in the UI of a real API server, with made-up answers of the route that it reads.

Of ``plugins/static``: ``ekyc_page.js``, ``needs.js``, ``ways.js``, ``waiting.js``, ``history.js``, ``filters.js``,
``table.js``, ``chart.js``, ``empty.js``, ``elements.js``, ``icons.js``, ``react.js``, ``scroll_anchor.js``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from dev.browser.made_up_runs import MadeUpRuns
from dev.stack.airflow_stack import AirflowStack
from tests.page.made_up import answer, needing, not_landed, row, waiting
from tests.page.window import DATA, Shown

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def airflow(made_up_runs: MadeUpRuns) -> AirflowStack:
    """An API server, without anything that runs tasks."""
    return made_up_runs.airflow


@pytest.fixture(scope="module")
def signed_in(airflow: AirflowStack, browser: Browser) -> Iterator[Page]:
    """The window of a user who has signed in. Another one would load all of Airflow's scripts anew."""
    page = browser.new_page(timezone_id="UTC", locale="en-US")
    user, password = airflow.login
    page.goto(f"{airflow.url}/auth/login/")
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: "/login" not in urlsplit(address).path)
    yield page
    page.close()


Open = Callable[..., Shown]


@pytest.fixture
def shown(airflow: AirflowStack, browser: Browser, signed_in: Page) -> Iterator[Open]:
    """Show the page in a window of a size; in dark mode in one of its own."""
    made: list[Shown] = []

    def make(width: int = 1440, *, height: int = 900, dark: bool = False) -> Shown:
        page = signed_in
        if dark:
            page = browser.new_page(storage_state=signed_in.context.storage_state(), timezone_id="UTC", locale="en-US")
            page.add_init_script("localStorage.setItem('theme', 'dark')")
        page.set_viewport_size({"width": width, "height": height})
        made.append(Shown(page, airflow.url))
        return made[-1]

    yield make
    for each in made:
        each.leave()
        if each.page is not signed_in:
            each.page.close()
    assert [error for each in made for error in each.errors] == []


ALL = answer(
    [needing(0), not_landed(1), needing(2, may_edit=False)],
    [waiting(3), waiting(4, note="The API answered 503.", query_failures=2)],
    [row(number) for number in range(5, 30)],
)


def test_the_three_parts_are_shown(shown: Open) -> None:
    window = shown()
    window.open(ALL)
    needs = window.section("Needs you")
    expect(needs.get_by_role("listitem")).to_have_count(3)
    expect(needs.get_by_text("1,000.00 before, 997.00 after").first).to_be_visible()
    expect(needs.get_by_text("3.00 less").first).to_be_visible()
    waits = window.section("Waiting now")
    expect(waits.get_by_text("1,200 of 3,000")).to_have_count(2)
    expect(waits.get_by_role("progressbar").first).to_have_attribute("value", "0.4")
    expect(waits.get_by_text("06:00:12").first).to_be_visible()
    history = window.page.get_by_role("table", name="History")
    expect(history.get_by_role("row")).to_have_count(26)
    expect(history.get_by_role("row").nth(1)).to_contain_text("1,180")
    expect(window.page.get_by_text("Saved by freshness")).to_be_visible()
    expect(window.page.get_by_text("Totals of the last 30 days")).to_be_visible()


def test_texts_of_the_database_stay_texts(shown: Open) -> None:
    bad = "<img src=x onerror='globalThis.harm=1'><script>globalThis.harm=1</script>"
    bad_row = row(
        9,
        run_id=bad,
        dag_id=bad,
        ekyc_task_id=bad,
        s3_uri=bad,
        object_url="javascript:globalThis.harm=1",
        console_url="javascript:globalThis.harm=1",
        cost=bad,
        status="failed",
        summary=bad,
        yes=None,
    )
    bad_need = needing(
        1, message=bad, record=bad, possible_ids=[bad], runbook="javascript:globalThis.harm=1", charge=bad
    )
    window = shown()
    page = window.open(answer([bad_need], [waiting(2, note=bad)], [bad_row], lacks=[bad]))
    window.section("Needs you").get_by_role("button", name="Adopt").click()
    window.section("Needs you").get_by_text("What the task reported").click()
    assert page.get_by_text("onerror=").count() >= 6
    inside = page.locator(".ekyc-page")
    assert inside.locator("img, script, iframe, object, [onerror]").count() == 0
    assert inside.locator("a[href^='javascript' i]").count() == 0
    assert page.evaluate("globalThis.harm") is None


def test_new_rows_move_neither_what_is_read_nor_what_is_typed(shown: Open) -> None:
    window = shown(height=700)
    page = window.open(ALL)
    card = window.section("Needs you").get_by_role("listitem").first
    card.get_by_role("button", name="Adopt").click()
    field = card.get_by_role("textbox")
    field.press_sequentially("made-up-0")
    before = field.bounding_box()
    more = [needing(number) for number in (7, 8)]
    window.says = answer([*more, *ALL["needs"]["rows"]], ALL["waiting"]["rows"], ALL["history"]["rows"])
    window.refreshed()
    expect(window.section("Needs you").get_by_role("listitem")).to_have_count(5)
    field = page.get_by_role("textbox", name="Id of the remote task")
    assert abs(field.bounding_box()["y"] - before["y"]) <= 1  # type: ignore[index]
    expect(field).to_be_focused()
    expect(field).to_have_value("made-up-0")
    # And with the focus nowhere, in the midst of the history.
    page.get_by_role("button", name="Cancel").click()
    seen = page.get_by_role("table", name="History").get_by_role("row").nth(15)
    seen.scroll_into_view_if_needed()
    page.evaluate("document.activeElement.blur()")
    place = seen.bounding_box()
    window.says = answer(ALL["needs"]["rows"][:1], [], ALL["history"]["rows"])
    window.refreshed()
    expect(window.section("Needs you").get_by_role("listitem")).to_have_count(1)
    assert abs(seen.bounding_box()["y"] - place["y"]) <= 1  # type: ignore[index]


def test_adopted_by_keyboard_alone(shown: Open) -> None:
    window = shown()
    page = window.open(answer([needing(0)]))
    clear = {"dag_id": "verify_daily", "dag_run_id": "manual__0000", "task_ids": ["submit"], "only_failed": True}
    window.routes(
        adopt={"status": "exported", "total": 3000, "message": "It is exported.", "write": None, "clear": clear},
        clearTaskInstances={"task_instances": [], "total_entries": 3},
    )
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Adopt":
            break
    page.keyboard.press("Enter")
    page.keyboard.type("made-up-0001")
    page.keyboard.press("Enter")
    done = page.get_by_text("It is exported. 3 tasks are cleared and run again.")
    expect(done).to_be_visible()
    assert [(method, path.rpartition("/")[2]) for method, path, _ in window.sent] == [
        ("POST", "adopt"),
        ("POST", "clearTaskInstances"),
    ]
    assert window.sent[0][2]["ekyc_task_id"] == "made-up-0001"
    # The card stays until its outcome was read, though the row needs nobody any more.
    window.says = answer()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(done).to_have_count(0)


def test_sending_again_says_what_it_costs_and_asks(shown: Open) -> None:
    window = shown()
    window.open(answer([needing(0)]))
    window.routes(
        send_again={"message": "It may be sent again.", "write": None, "clear": {"dag_id": "verify_daily"}},
        clearTaskInstances={"total_entries": 1},
    )
    card = window.section("Needs you").get_by_role("listitem")
    card.get_by_role("button", name="Send again").click()
    expect(card.get_by_text("3,000 numbers would then be charged a second time.")).to_be_visible()
    expect(card.get_by_text("A second submission costs about 3.00.")).to_be_visible()
    assert window.sent == []
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("button", name="Send again")).to_be_focused()
    card.get_by_role("button", name="Send again").click()
    card.get_by_role("button", name="Send the list again").click()
    expect(card.get_by_text("1 task is cleared and runs again.")).to_be_visible()
    assert window.sent[0][2]["confirmed"] is True


def test_a_failed_landing_is_cleared(shown: Open) -> None:
    window = shown()
    window.open(answer([not_landed(0, map_index=4)]))
    window.routes(clearTaskInstances={"task_instances": [], "total_entries": 2})
    card = window.section("Needs you").get_by_role("listitem")
    expect(card.get_by_role("button", name="Adopt")).to_have_count(0)
    card.get_by_role("button", name="Clear").click()
    card.get_by_role("button", name="Clear and run again").click()
    expect(card.get_by_text("2 tasks are cleared and run again.")).to_be_visible()
    assert window.sent[0][2]["task_ids"] == [["land", 4]]


def test_who_may_only_read_gets_no_button(shown: Open) -> None:
    window = shown()
    window.open(answer([needing(0, may_edit=False)]))
    card = window.section("Needs you").get_by_role("listitem")
    expect(card.get_by_text("You may read this task, not edit it")).to_be_visible()
    expect(card.get_by_role("button")).to_have_count(0)
    expect(card.get_by_role("link", name="Open log")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "kind", "body", "text"),
    [
        (401, "application/json", {"detail": "Not authenticated"}, "Your session has ended"),
        (403, "application/json", {"detail": "Forbidden"}, "the right to read DAGs, task instances and XComs"),
        (200, "text/html", "<html>", "a page instead of data"),
        (500, "application/json", {"detail": "The eKYC page failed."}, "The eKYC page failed."),
        (0, "", None, "The server cannot be reached."),
    ],
)
def test_what_went_wrong_is_said(shown: Open, status: int, kind: str, body: Any, text: str) -> None:
    window = shown()
    window.page.unroute(DATA)

    def fail(route: Route) -> None:
        if status == 0:
            route.abort()
        else:
            route.fulfill(status=status, content_type=kind, body=body if isinstance(body, str) else json.dumps(body))

    window.page.route(DATA, fail)
    page = window.open()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(text)
    if status == 401:
        expect(alert.get_by_role("link", name="Log in")).to_have_attribute("href", re.compile("auth/login.next=.*ekyc"))


def test_a_paused_page_does_not_say_that_it_tries_again(shown: Open) -> None:
    window = shown()
    page = window.open()
    window.page.unroute(DATA)
    window.page.route(DATA, lambda route: route.fulfill(status=503, json={"detail": "Made up."}))
    page.get_by_role("button", name="Refresh").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Made up. It is tried again by itself.")
    page.get_by_role("button", name="Pause").click()
    expect(alert).not_to_contain_text("It is tried again by itself.")
    expect(alert.get_by_role("button", name="Try now")).to_be_visible()


def test_what_is_typed_stays_when_a_filter_is_changed(shown: Open) -> None:
    window = shown()
    window.forget()  # Airflow 3.3.2 begins a plugin's page anew at the first navigation after a full load
    page = window.open(answer([needing(0)]))
    card = window.section("Needs you").get_by_role("listitem")
    card.get_by_role("button", name="Adopt", exact=True).click()
    card.get_by_role("textbox").fill("made-up-0001")
    page.get_by_label("Status").select_option("failed")
    page.wait_for_url(re.compile("state=failed"))
    window.refreshed()
    expect(card.get_by_role("textbox")).to_have_value("made-up-0001")


def test_filters_are_kept_in_the_address(shown: Open) -> None:
    window = shown()
    page = window.open(ALL)
    page.get_by_label("Status").select_option("failed")
    page.get_by_label("DAG", exact=True).select_option("verify_leads")
    page.get_by_label("From", exact=True).fill("2026-11-20")
    page.wait_for_url(re.compile("since=2026-11-20"))
    assert dict(parse_qsl(urlsplit(page.url).query)) == {
        "state": "failed",
        "dag_id": "verify_leads",
        "since": "2026-11-20",
    }
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("failed")
    assert window.asked[-1]["since"] == "2026-11-20T00:00:00.000Z"
    assert window.asked[-1]["dag_id"] == "verify_leads"
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_url(lambda address: urlsplit(address).query == "dag_id=verify_leads")
    expect(window.section("Needs you").get_by_text("Nothing in this DAG.")).to_have_count(0)
    window.says = answer([], [], ALL["history"]["rows"])
    page.get_by_role("button", name="Refresh").click()
    expect(window.section("Needs you").get_by_text("Nothing in this DAG.")).to_be_visible()


def test_a_day_of_the_chart_is_shown_alone(shown: Open) -> None:
    window = shown()
    page = window.open(ALL)
    page.get_by_text("By day, as a table").click()
    page.get_by_role("button", name="2026-11-25").click()
    page.wait_for_url(re.compile("since=2026-11-25&until=2026-11-25"))
    assert {each["zone"] for each in window.asked} == {"UTC"}


def test_days_of_another_zone_than_the_users_are_named_so(shown: Open) -> None:
    window = shown()
    page = window.open(ALL)
    page.get_by_text("By day, as a table").click()
    expect(page.get_by_role("columnheader", name="Day", exact=True)).to_be_visible()
    window.says = ALL | {"days": ALL["days"] | {"zone": "Asia/Tokyo"}}
    page.reload()
    page.get_by_text("By day, as a table").click()
    expect(page.get_by_role("columnheader", name="Day (Asia/Tokyo)")).to_be_visible()
    expect(page.get_by_role("img", name="Rows by day (Asia/Tokyo) from 2026")).to_be_visible()


def test_a_hundred_on_a_page(shown: Open) -> None:
    window = shown()
    says = answer([], [], [row(number) for number in range(100)])
    says["history"]["more"] = True
    page = window.open(says)
    expect(page.get_by_text("1 to 100")).to_be_visible()
    says["history"] |= {"offset": 100, "rows": [row(number) for number in range(100, 130)], "more": False}
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("101 to 130")).to_be_visible()
    assert {"offset": "100"}.items() <= next(each for each in window.asked if each["offset"] == "100").items()
    expect(page.get_by_role("button", name="Older")).to_be_disabled()


def test_the_row_that_an_address_names_is_brought_into_view(shown: Open) -> None:
    window = shown(height=600)
    page = window.open(ALL, "/plugin/ekyc?dag_id=verify_daily&run_id=manual__0025&task_id=wait&map_index=-1")
    named = page.locator("tr[data-named]")
    expect(named).to_have_count(1)
    expect(named).to_be_in_viewport()
    assert window.asked[0]["run_id"] == "manual__0025"
    page.get_by_role("button", name="Show all").click()
    expect(named).to_have_count(0)


def test_links_lead_to_airflows_own_pages(shown: Open) -> None:
    window = shown()
    page = window.open(ALL)
    line = page.get_by_role("table", name="History").get_by_role("row").nth(1)
    expect(line.get_by_role("link", name="manual__0005", exact=True)).to_have_attribute(
        "href", "/dags/verify_daily/runs/manual__0005"
    )
    line.get_by_role("link", name=re.compile("Log of land")).click()
    page.wait_for_url(re.compile("/dags/verify_daily/runs/manual__0005/tasks/land"))


def test_before_the_first_run_it_says_what_to_do(shown: Open) -> None:
    page = shown(width=360).open(answer(dags=[]))
    expect(page.get_by_role("link", name="Admin, Connections")).to_be_visible()
    namespace: dict[str, Any] = {}
    exec(page.locator(".ekyc-code").inner_text(), namespace)
    tasks = {task.task_id: task for task in (namespace["submit"], namespace["wait"], namespace["land"])}
    assert tasks["wait"].upstream_task_ids == {"submit"}
    assert tasks["land"].upstream_task_ids == {"submit", "wait"}


@pytest.mark.parametrize("width", [360, 768, 1024, 1280, 1440])
def test_nothing_is_wider_than_the_window(shown: Open, width: int) -> None:
    window = shown(width=width)
    page = window.open(ALL)
    window.section("Needs you").get_by_role("button", name="Adopt").first.click()
    page.get_by_text("By day, as a table").click()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    inside = "(root) => root.scrollWidth - root.clientWidth"
    assert page.locator(".ekyc-page").evaluate(inside) == 0


@pytest.mark.parametrize("width", [360, 1440])
def test_a_table_is_one_for_screen_readers_at_any_width(shown: Open, width: int) -> None:
    page = shown(width=width).open(ALL)
    table = page.get_by_role("table", name="History")
    assert table.get_by_role("columnheader").count() == 12
    assert table.get_by_role("rowheader").count() == 25
    assert table.get_by_role("row").nth(1).get_by_role("cell").count() == 11


# The colour behind a text is that of the nearest ancestor that has one; a canvas knows every way to write a colour.
CONTRASTS = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba('white');
  };
  const found = [];
  for (const element of document.querySelectorAll('.ekyc-page *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.closest(':disabled, title, option')) continue;
    const [one, other] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    found.push([(one + 0.05) / (other + 0.05), `${element.className}: ${element.textContent.slice(0, 40)}`]);
  }
  return found.sort(([a], [b]) => a - b);
}
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_have_enough_contrast(shown: Open, *, dark: bool) -> None:
    says = answer([needing(0), not_landed(1)], [waiting(2, query_failures=1)], ALL["history"]["rows"])
    states = ("queued", "landing", "retrying", "failed", "skipped", "exported")
    says["history"]["rows"] = [row(number, status=status) for number, status in enumerate(states, 10)] * 2
    window = shown(dark=dark)
    page = window.open(says)
    cards = window.section("Needs you").get_by_role("listitem")
    cards.first.get_by_role("button", name="Adopt").click()
    cards.first.get_by_role("button", name="Check and adopt").click()
    cards.nth(1).get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Enter the id of the remote task.")).to_be_visible()
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [text for contrast, text in contrasts if contrast < 4.5] == []
