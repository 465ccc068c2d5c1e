"""Airflow's own pages of a DAG and of a run: start one with the form, read a task's log, XComs and links."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from playwright.sync_api import Locator, Request, TimeoutError

from dev.browser.person import Person

#: Milliseconds from a click to the request that it sends.
SENT_WITHIN = 15_000.0


class RunPages:
    """The pages of one DAG.

    :param person: who is signed in
    :param dag_id: the DAG
    """

    def __init__(self, person: Person, dag_id: str) -> None:
        self._person = person
        self._page = person.page
        self._dag_id = dag_id

    def trigger_form(self) -> Locator:
        """Open the form that starts a run.

        :return: the form
        """
        self._person.open(f"/dags/{self._dag_id}")
        self._page.get_by_role("button", name="Trigger").first.click()
        form = self._page.get_by_role("dialog")
        # The parameters come after the form.
        form.locator("[name^=element_]").first.wait_for()
        return form

    def trigger(self, params: Mapping[str, str]) -> str:
        """Start a run with the form.

        :param params: texts for the form's fields, by the names of the parameters
        :return: the run's id
        """
        form = self.trigger_form()
        for name, text in params.items():
            form.locator(f"[name=element_{name}]").fill(text)
        button = form.get_by_role("button", name="Trigger", exact=True)
        path = f"/dags/{self._dag_id}/dagRuns"
        sent: list[Request] = []

        def starts_run(request: Request) -> bool:
            return request.method == "POST" and urlsplit(request.url).path.endswith(path)

        def keep(request: Request) -> None:
            if starts_run(request):
                sent.append(request)

        self._page.on("request", keep)
        try:
            with self._page.expect_request(starts_run, timeout=SENT_WITHIN):
                button.click()
        except TimeoutError:
            # Seen once in some fifty runs: Airflow's form took the click and sent nothing. A person clicks again.
            with self._page.expect_request(starts_run):
                button.click()
        self._page.remove_listener("request", keep)
        if len(sent) > 1:
            raise AssertionError(f"{len(sent)} runs were started")
        answer = sent[0].response()
        if answer is None or not answer.ok:
            raise AssertionError(f"the run was not started: {answer and answer.text()}")
        run_id = str(answer.json()["dag_run_id"])
        # The UI goes on to the run by itself, some time later: whoever goes elsewhere meanwhile would be led back.
        self._page.goto("about:blank")
        return run_id

    def defaults(self) -> dict[str, str]:
        """Return what the form that starts a run holds before anything is typed, by the parameters' names."""
        form = self.trigger_form()
        return {
            str(field.get_attribute("name")).removeprefix("element_"): field.input_value()
            for field in form.locator("input[name^=element_]").all()
        }

    def path(self, run_id: str, task_id: str | None = None, map_index: int = -1) -> str:
        """Return the path of the page of a run, or of a task in it.

        :param run_id: the run
        :param task_id: the task
        :param map_index: index of a mapped task
        """
        run = f"/dags/{self._dag_id}/runs/{quote(run_id, safe=':+')}"
        if task_id is None:
            return run
        return f"{run}/tasks/{task_id}" + (f"/mapped/{map_index}" if map_index >= 0 else "")

    def open_run(self, run_id: str) -> None:
        """Open the page of a run.

        :param run_id: the run
        """
        self._person.open(self.path(run_id))

    def log(self, run_id: str, task_id: str, map_index: int = -1) -> str:
        """Read the log of a task's latest try on its page, as far as the window shows it.

        :param run_id: the run
        :param task_id: the task
        :param map_index: index of a mapped task
        :return: the lines
        """
        self._person.open(self.path(run_id, task_id, map_index))
        lines = self._page.locator("[data-testid^=virtualized-item-]")
        lines.first.wait_for()
        return "\n".join(lines.all_inner_texts())

    def xcoms(self, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str]:
        """Read what the page of a task's XComs shows.

        :param run_id: the run
        :param task_id: the task
        :param map_index: index of a mapped task
        :return: the texts by key, as far as they are not folded
        """
        self._person.open(f"{self.path(run_id, task_id, map_index)}/xcom")
        self._page.get_by_role("cell").first.wait_for()
        head, *rows = self._page.get_by_role("row").all()
        names = [" ".join(name.split()) for name in head.get_by_role("columnheader").all_inner_texts()]
        texts = [row.get_by_role("cell").all_inner_texts() for row in rows]
        key, value = names.index("Key"), next(at for at, name in enumerate(names) if name.startswith("Value"))
        return {cells[key]: cells[value] for cells in texts if len(cells) == len(names)}

    def links(self, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str]:
        """Return the extra links that the page of a task shows.

        :param run_id: the run
        :param task_id: the task
        :param map_index: index of a mapped task
        :return: the addresses by name
        """
        self._person.open(f"{self.path(run_id, task_id, map_index)}/details")
        # Airflow asks for them when the page is there.
        found = self._page.locator("a[target=_blank], a[target=_self]")
        found.first.wait_for()
        return {" ".join(link.inner_text().split()): str(link.get_attribute("href")) for link in found.all()}


def run_in_address(address: str) -> str | None:
    """Return the run's id in the address of a page of Airflow; None if it is not the page of a run.

    :param address: of the page
    """
    parts = urlsplit(address).path.split("/")
    return unquote(parts[parts.index("runs") + 1]) if "runs" in parts and parts[-1] != "runs" else None
