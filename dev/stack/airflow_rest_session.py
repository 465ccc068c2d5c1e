"""Signed-in calls to Airflow's REST API: token, pages, errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests

# Airflow gives no more than this at once, whatever is asked for.
PAGE_SIZE = 100
TIMEOUT = 60.0
#: Calls that are made at the most, a second apart, while Airflow answers 500. On SQLite two requests of one API server
#: may each hold what the other one needs, until one of them is rolled back (``dev/stack/airflow_settings.py``).
TRIES = 3

Json = dict[str, Any]


class AirflowRestError(Exception):
    """Airflow answered with an error.

    :param status: HTTP status
    :param message: what it said
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Airflow answered {status}: {message}")
        self.status = status


class RestSession:
    """One user's calls to one Airflow.

    :param url: address of the API server
    :param user: user name
    :param password: password
    """

    #: What the path of each call begins with.
    root = "api/v2"

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        # A proxy from the environment has no business between two processes of one machine.
        self._session.trust_env = False

    def pages(self, path: str, collection: str, **filters: Any) -> Iterator[Json]:
        """Read a list, page by page.

        :param path: path below the root
        :param collection: name of the list in the answer
        :param filters: query parameters
        :return: the items
        """
        offset = 0
        while True:
            page = self.call("GET", path, params={**filters, "limit": PAGE_SIZE, "offset": offset})
            yield from page[collection]
            offset += len(page[collection])
            if not page[collection] or offset >= page["total_entries"]:
                return

    def call(self, method: str, path: str, **options: Any) -> Json:
        """Make one call, and again while the answer is a 500; sign in if needed, also when the token has expired.

        :param method: HTTP method
        :param path: path below the root
        :param options: what :meth:`requests.Session.request` takes
        :return: the answer's JSON
        :raise AirflowRestError: for any answer but a 2xx
        """
        answer = self._answer(method, path, **options)
        for _ in range(TRIES - 1):
            if answer.status_code != 500:
                break
            time.sleep(1.0)
            answer = self._answer(method, path, **options)
        if not answer.ok:
            raise AirflowRestError(answer.status_code, f"{method} {path}: {answer.text[:500]}")
        return dict(answer.json()) if answer.content else {}

    def _answer(self, method: str, path: str, **options: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._sign_in()
        address = f"{self.url}/{self.root}/{path}"
        headers = {"Accept": "application/json"}
        answer = self._session.request(method, address, headers=headers, timeout=TIMEOUT, **options)
        if answer.status_code == 401:
            self._sign_in()
            answer = self._session.request(method, address, headers=headers, timeout=TIMEOUT, **options)
        return answer

    def _sign_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        answer = self._session.post(f"{self.url}/auth/token", json=self._login, timeout=TIMEOUT)
        if not answer.ok:
            raise AirflowRestError(answer.status_code, "no token was given")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
