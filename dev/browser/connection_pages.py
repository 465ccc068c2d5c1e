"""Airflow's list of connections: add one with the form, edit it, test it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from playwright.sync_api import Locator

from dev.browser.person import Person


class ConnectionPages:
    """Admin, Connections.

    :param person: who is signed in, with the right to edit connections
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self._page = person.page

    def add(self, conn_id: str, conn_type: str, fields: Mapping[str, str], extra: Mapping[str, str]) -> None:
        """Add a connection with the form, and wait until it is in the list.

        :param conn_id: its id
        :param conn_type: its type; the list of the form shows the type or its name, by version
        :param fields: the standard fields, by their labels
        :param extra: the extra fields, by the names that they have in the connection's extra
        """
        self._person.open("/connections")
        self._page.get_by_role("button", name="Add Connection").click()
        form = self._form()
        form.get_by_role("textbox", name="Connection ID").fill(conn_id)
        form.get_by_role("combobox").first.fill(conn_type)
        # The list of types: until it has come, Enter chooses nothing.
        self._page.get_by_role("option", name=re.compile(f"^{re.escape(conn_type)}$", re.IGNORECASE)).first.click()
        self._fill(form, fields)
        self._fill_extra(form, extra)
        self._save(form)
        self.row(conn_id).wait_for()

    def edit(self, conn_id: str, fields: Mapping[str, str]) -> None:
        """Change standard fields of a connection.

        :param conn_id: the connection
        :param fields: the new texts, by the labels of the fields
        """
        self._person.open("/connections")
        self.row(conn_id).get_by_role("button", name="Edit Connection").click()
        form = self._form()
        # The form is filled twice: with what the list holds, then with what the server answers.
        form.get_by_role("textbox", name="Connection ID").wait_for()
        self._fill(form, fields)
        self._save(form)

    def shown(self, conn_id: str) -> dict[str, str]:
        """Open the form of a connection and read its standard fields.

        :param conn_id: the connection
        :return: the texts by the names of the inputs (``host``, ``port``, ``password``), and ``placeholder of port``
        """
        self._person.open("/connections")
        self.row(conn_id).get_by_role("button", name="Edit Connection").click()
        form = self._form()
        form.locator("[name=host]").wait_for()
        found = {}
        for name in ("host", "port", "password", "login", "schema"):
            field = form.locator(f"[name={name}]")
            if field.count():
                found[name] = field.input_value()
                found[f"placeholder of {name}"] = field.get_attribute("placeholder") or ""
        return found

    def test(self, conn_id: str) -> tuple[bool, str]:
        """Press the button that tests a connection.

        :param conn_id: the connection
        :return: whether it works, and the text of the notification that the UI shows
        """
        self._person.open("/connections")
        button = self.row(conn_id).get_by_role("button", name="Test Connection")
        with self._page.expect_response(lambda answer: answer.url.endswith("/connections/test")) as answered:
            button.click()
        notification = self._page.locator("[data-scope=toast][data-part=root]").last
        notification.wait_for()
        text = " ".join(notification.inner_text().split())
        answer = answered.value
        return answer.ok and bool(answer.json()["status"]), text

    def row(self, conn_id: str) -> Locator:
        """Return the row of a connection.

        :param conn_id: the connection
        """
        return self._page.get_by_role("row").filter(has=self._page.get_by_text(conn_id, exact=True))

    def _form(self) -> Locator:
        form = self._page.get_by_role("dialog")
        form.wait_for()
        return form

    def _fill(self, form: Locator, fields: Mapping[str, str]) -> None:
        for label, text in fields.items():
            # In 3.1 the label of a field for a figure does not belong to it; its name is the label's word.
            field = form.get_by_label(label, exact=True).or_(form.locator(f"input[name={label.split()[-1].lower()}]"))
            field.first.fill(text)

    def _fill_extra(self, form: Locator, extra: Mapping[str, str]) -> None:
        """Fill the fields of the type. Up to 3.3 they are in a section that is closed at first."""
        section = form.get_by_role("button", name="Extra Fields", exact=True)
        if section.count():
            section.click()
        for name, text in extra.items():
            form.locator(f"[name=element_{name}]").fill(text)

    def _save(self, form: Locator) -> None:
        form.get_by_role("button", name="Save").click()
        form.wait_for(state="hidden")
