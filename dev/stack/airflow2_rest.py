"""The REST API of Airflow 2 (``/api/v1``), with the same calls as that of Airflow 3."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_rest_session import TIMEOUT, AirflowRestError, Json, RestSession


class Rest2Session(RestSession):
    """One user's calls to one Airflow 2, with the cookie of its login form.

    The cookie saves the check of the password, a tenth of a second of a processor on each call. Name and password go
    with each call all the same, for an API server that no longer knows the cookie.
    """

    root = "api/v1"

    def _sign_in(self) -> None:
        login = f"{self._login['username']}:{self._login['password']}"
        self._session.headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        send_form(self._session, f"{self.url}/login/", self._login)


def send_form(session: requests.Session, address: str, fields: Mapping[str, str]) -> requests.Response:
    """Open the page of a form of Airflow 2, fill its fields and send it.

    :param session: with the cookies of the user
    :param address: of the page
    :param fields: texts by the names of the fields
    :return: the answer
    :raise AirflowRestError: for any answer but a 2xx, or if the page has no form
    """
    page = session.get(address, timeout=TIMEOUT)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    if found is None:
        raise AirflowRestError(page.status_code, f"{address} has no form")
    answer = session.post(address, data={"csrf_token": found[1], **fields}, timeout=TIMEOUT)
    if not answer.ok:
        raise AirflowRestError(answer.status_code, f"{address} was not accepted")
    return answer


class Airflow2Rest(AirflowRest):
    """The REST API of one Airflow 2, as one user."""

    health_path = "health"
    session_type = Rest2Session

    def trigger(self, dag_id: str, conf: Json | None = None, run_id: str | None = None) -> str:
        """Start a run of a DAG.

        :param dag_id: the DAG
        :param conf: parameters of the run
        :param run_id: the run's id; Airflow makes one by default
        :return: the run's id
        """
        body: Json = {"conf": conf or {}, **({} if run_id is None else {"dag_run_id": run_id})}
        return str(self._session.call("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def patch_task_instance(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = -1) -> Json:
        """Set the state of a task instance, as the buttons of the UI do.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param state: success, failed or skipped
        :param map_index: index of a mapped task
        :return: what the API answers
        """
        path = self._task_path(dag_id, run_id, task_id, map_index)
        return self._session.call("PATCH", path, json={"dry_run": False, "new_state": state})

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Read the log of one try of a task, with what its trigger wrote while it was deferred.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: the try, from 1
        :param map_index: index of a mapped task
        :return: the text, of each file with the name of its host
        """
        path = f"{self._task_path(dag_id, run_id, task_id)}/logs/{try_number}"
        return str(self._session.call("GET", path, params={"map_index": map_index, "full_content": True})["content"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Read the value of one XCom.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param key: the XCom's key
        :param map_index: index of a mapped task
        :return: the value, deserialized
        """
        path = f"{self._task_path(dag_id, run_id, task_id)}/xcomEntries/{quote(key, safe='')}"
        query = {"map_index": map_index, "deserialize": True, "stringify": False}
        return self._session.call("GET", path, params=query)["value"]

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str | None]:
        """Return the buttons of a task, as its page shows them.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :return: the addresses by name; None where there is none
        """
        return dict(self._session.call("GET", f"{self._task_path(dag_id, run_id, task_id)}/links"))
