"""The page "eKYC": what it shows, and its buttons."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Locator, TimeoutError, expect

from dev.browser.person import Person

#: Path of the page, and of the routes that it calls.
PAGE = "/plugin/ekyc"
ROUTES = "/ekyc/"

#: Milliseconds for a remote task to be worked through, and for Airflow to run what comes after it.
RUN_PATIENCE = 300_000.0


class EkycPage:
    """The page, as one user sees it.

    :param person: who is signed in
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self.page = person.page

    def open(self, **query: str) -> None:
        """Open the page, within the UI if that is loaded, and wait for its data.

        :param query: filters, as in the page's address
        """
        self._person.follow(PAGE + (f"?{urlencode(query)}" if query else ""))
        self.wait_for_data()

    def open_tab(self, run_path: str) -> None:
        """Open the page of a run, go to the tab "eKYC" and wait for its data.

        :param run_path: path of the run's page
        """
        self._person.open(run_path)
        # Airflow's navigation, which is drawn earlier, has a link of the same name.
        self.page.locator(f"a[href*='/runs/'][href$='{PAGE}-run']").click()
        self.wait_for_data()

    def wait_for_data(self) -> None:
        """Wait until the server's answer is shown."""
        self.page.get_by_text("Updated").first.wait_for()

    def section(self, name: str) -> Locator:
        """Return a section.

        :param name: ``Needs you``, ``Waiting now`` or ``History``
        """
        return self.page.get_by_role("region", name=name)

    def card(self, run_id: str, index: int | None = None) -> Locator:
        """Return what needs a person in a run.

        :param run_id: the run
        :param index: index of a mapped task
        """
        cards = self.section("Needs you").get_by_role("listitem").filter(has_text=run_id)
        return cards if index is None else cards.filter(has_text=f"[{index}]")

    def row(self, section: str, run_id: str, index: int | None = None) -> Locator:
        """Return the row of a submission.

        :param section: ``Waiting now`` or ``History``
        :param run_id: the run
        :param index: index of a mapped task
        """
        rows = self.section(section).get_by_role("row").filter(has_text=run_id)
        return rows if index is None else rows.filter(has_text=f"[{index}]")

    def cells(self, row: Locator) -> dict[str, str]:
        """Return the texts of a row by the heads of its columns.

        :param row: from :meth:`row`
        """
        cells = row.locator("[data-label]").all()
        return {str(cell.get_attribute("data-label")): " ".join(cell.inner_text().split()) for cell in cells}

    def wait_for_status(self, run_id: str, status: str, index: int | None = None) -> dict[str, str]:
        """Watch the page, which refreshes itself, until a submission has a status.

        :param run_id: the run
        :param status: as the history shows it, such as ``Landed``
        :param index: index of a mapped task
        :return: the row's cells
        """
        row = self.row("History", run_id, index)
        expect(row.locator('[data-label="Status"]')).to_contain_text(status, timeout=RUN_PATIENCE)
        return self.cells(row)

    def wait_for_card(self, run_id: str, index: int | None = None) -> Locator:
        """Watch the page until a run needs a person.

        :param run_id: the run
        :param index: index of a mapped task
        :return: the card
        :raises AssertionError: if none appears, with what the page shows instead
        """
        card = self.card(run_id, index)
        try:
            card.wait_for(timeout=RUN_PATIENCE)
        except TimeoutError as error:
            shown = self.page.locator("body").inner_text()
            raise AssertionError(f"{run_id} does not need a person; the page shows:\n{shown}") from error
        return card

    def adopt(self, card: Locator, ekyc_task_id: str) -> None:
        """Adopt a remote task: two clicks and a paste.

        :param card: of an unknown outcome
        :param ekyc_task_id: the id, pasted from the clipboard
        """
        card.get_by_role("button", name="Adopt", exact=True).click()
        self.page.evaluate("text => navigator.clipboard.writeText(text)", ekyc_task_id)
        card.get_by_role("textbox").press("Control+v")
        card.get_by_role("button", name="Check and adopt").click()

    def send_again(self, card: Locator) -> str:
        """Send the list again: two clicks.

        :param card: of an unknown outcome
        :return: what the page asked in between
        """
        card.get_by_role("button", name="Send again", exact=True).click()
        button = self.page.get_by_role("button", name="Send the list again")
        question = card.get_by_role("group").filter(has=button)
        asked = question.inner_text()
        question.locator(button).click()
        return asked

    def clear(self, card: Locator) -> None:
        """Clear what failed after a submission: two clicks.

        :param card: of a submission that is paid for and has not landed
        """
        card.get_by_role("button", name="Clear", exact=True).click()
        card.get_by_role("button", name="Clear and run again").click()

    def wait_until_settled(self, card: Locator) -> str:
        """Wait for the sentence that says what was done.

        :param card: whose button was pressed
        :return: the sentence
        :raises AssertionError: with the page's sentence, if it was not done
        """
        done = card.get_by_role("status").filter(has_text="cleared")
        said = done.or_(card.get_by_role("alert"))
        said.wait_for()
        text = said.inner_text()
        if not done.count():
            raise AssertionError(text)
        return text

    def copy_object(self, row: Locator) -> str:
        """Copy the address of the object by its button.

        :param row: of the history
        :return: what is in the clipboard
        """
        row.locator('[data-label="Object"]').get_by_role("button").click()
        expect(row.locator('[data-label="Object"]').get_by_role("button")).to_contain_text("Copied")
        return str(self.page.evaluate("navigator.clipboard.readText()"))
