"""Signed-in requests to Airflow's web server, as the scripts of its UI send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from dev.stack.airflow2_rest import send_form
from dev.stack.airflow_stack import AirflowStack
from dev.stack.compat.versions import CompatError

TIMEOUT = 60.0


class WebSession:
    """The administrator's requests to one Airflow 3.

    :param airflow: a running stack
    """

    def __init__(self, airflow: AirflowStack) -> None:
        self._url = airflow.url
        self._session = requests.Session()
        self._session.trust_env = False
        login = dict(zip(("username", "password"), airflow.login, strict=True))
        token = self.call("POST", "auth/token", login)["access_token"]
        self._session.headers.update({"Authorization": f"Bearer {token}", "Origin": airflow.url})

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send JSON and read JSON.

        :param method: HTTP method
        :param path: path below the address of the web server
        :param body: what is sent
        :return: the answer
        :raises CompatError: for any answer but a 2xx
        """
        answer = self._session.request(method, f"{self._url}/{path}", json=body, timeout=TIMEOUT)
        if not answer.ok:
            raise CompatError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def get(self, path: str, *, signed_in: bool = True) -> requests.Response:
        """Get anything.

        :param path: path below the address of the web server
        :param signed_in: False to ask as a stranger
        :return: the answer, whatever it is
        """
        if signed_in:
            return self._session.get(f"{self._url}/{path}", timeout=TIMEOUT)
        with requests.Session() as stranger:
            stranger.trust_env = False
            return stranger.get(f"{self._url}/{path}", timeout=TIMEOUT)


class Web2Session:
    """The administrator's pages of one Airflow 2, which are forms with a token of their own.

    :param airflow: a running stack
    """

    def __init__(self, airflow: AirflowStack) -> None:
        self._url = airflow.url
        self._session = requests.Session()
        self._session.trust_env = False
        self.send("login/", dict(zip(("username", "password"), airflow.login, strict=True)))

    def page(self, path: str) -> str:
        """Get a page.

        :param path: path below the address of the web server
        :return: its HTML
        :raises CompatError: for any answer but a 2xx
        """
        answer = self._session.get(f"{self._url}/{path}", timeout=TIMEOUT)
        if not answer.ok:
            raise CompatError(f"{path} answered {answer.status_code}")
        return answer.text

    def send(self, path: str, fields: Mapping[str, str]) -> None:
        """Open the page of a form, fill its fields and send it.

        :param path: path below the address of the web server
        :param fields: texts by the names of the fields
        """
        send_form(self._session, f"{self._url}/{path}", fields)
