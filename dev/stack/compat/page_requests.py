"""The requests of the page eKYC, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dev.stack.airflow_stack import AirflowStack
from dev.stack.compat.versions import CompatError
from dev.stack.compat.web_session import WebSession

#: Of the page, in the list of plugins. Not from the plugin, whose import would bring this process's own Airflow.
NAME = "eKYC"


class PageRequests:
    """What the page asks for and sends, as Airflow's administrator.

    :param airflow: a running stack
    """

    def __init__(self, airflow: AirflowStack) -> None:
        self._web = WebSession(airflow)

    def shown(self, dag_id: str, run_id: str) -> bool:
        """Return whether there is a page with the data of a run, for signed-in users alone.

        :param dag_id: the DAG
        :param run_id: the run, which has ended
        """
        apps = [app for plugin in self._plugins() for app in plugin.get("react_apps", []) if app["name"] == NAME]
        path = "ekyc/verifications?" + urlencode({"part": "history", "dag_id": dag_id, "run_id": run_id})
        if not apps:
            # Below 3.1 the server answers with the UI's own page, whatever the path.
            if "json" in self._web.get(path).headers.get("Content-Type", ""):
                raise CompatError("there are data of the page without a page")
            return False
        if self._web.get(path, signed_in=False).status_code != 401:
            raise CompatError("a stranger's request for data of the page is not answered with 401")
        bundle = self._web.get(apps[0]["bundle_url"].lstrip("/"))
        if not bundle.ok or "javascript" not in bundle.headers.get("Content-Type", ""):
            raise CompatError(f"the page's script is answered with {bundle.status_code}")
        rows = self._web.call("GET", path)["history"]["rows"]
        if [row["run_id"] for row in rows] != [run_id]:
            raise CompatError(f"the page shows {len(rows)} rows of a run with one submission")
        return True

    def needs(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return what needs a person in a run.

        :param dag_id: the DAG
        :param run_id: the run
        """
        query = urlencode({"part": "needs", "dag_id": dag_id, "run_id": run_id})
        found = self._web.call("GET", f"ekyc/verifications?{query}")
        return [row["need"] for row in found["needs"]["rows"]]

    def adopt(self, need: Mapping[str, Any], ekyc_task_id: str) -> None:
        """Adopt a remote task, write the Variable if the records are in Variables, and clear, as the page does.

        :param need: one of :meth:`needs`
        :param ekyc_task_id: the remote task
        """
        named = {name: need[name] for name in ("dag_id", "run_id", "task_id", "map_index", "name")}
        self._record_and_clear(self._web.call("POST", "ekyc/adopt", {**named, "ekyc_task_id": ekyc_task_id}))

    def send_again(self, need: Mapping[str, Any]) -> None:
        """Have a list sent again of which it is known that it was not accepted.

        :param need: one of :meth:`needs`
        """
        named = {name: need[name] for name in ("dag_id", "run_id", "task_id", "map_index", "name")}
        self._record_and_clear(self._web.call("POST", "ekyc/send-again", {**named, "confirmed": True}))

    def _record_and_clear(self, answer: dict[str, Any]) -> None:
        write, clear = answer.get("write"), answer["clear"]
        if write:
            variable = {"key": write["variable"], "value": write["value"], "description": write["description"]}
            self._web.call(write["method"], "api/v2/variables", variable)
        self._web.call("POST", f"api/v2/dags/{clear.pop('dag_id')}/clearTaskInstances", clear)

    def _plugins(self) -> list[dict[str, Any]]:
        return list(self._web.call("GET", "api/v2/plugins?limit=100")["plugins"])
