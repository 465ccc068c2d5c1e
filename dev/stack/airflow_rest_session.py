"""Signed-in calls to Airflow's REST API: token, pages, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

# Airflow gives no more than this at once, whatever is asked for.
PAGE_SIZE = 100
TIMEOUT = 30.0

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

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        # A proxy from the environment has no business between two processes of one machine.
        self._session.trust_env = False

    def pages(self, path: str, collection: str, **filters: Any) -> Iterator[Json]:
        """Read a list, page by page.

        :param path: path below ``/api/v2/``
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
        """Make one call; sign in first if needed, and again when the token has expired.

        :param method: HTTP method
        :param path: path below ``/api/v2/``
        :param options: what :meth:`requests.Session.request` takes
        :return: the answer's JSON
        :raise AirflowRestError: for any answer but a 2xx
        """
        if "Authorization" not in self._session.headers:
            self._sign_in()
        address = f"{self.url}/api/v2/{path}"
        headers = {"Accept": "application/json"}
        answer = self._session.request(method, address, headers=headers, timeout=TIMEOUT, **options)
        if answer.status_code == 401:
            self._sign_in()
            answer = self._session.request(method, address, headers=headers, timeout=TIMEOUT, **options)
        if not answer.ok:
            raise AirflowRestError(answer.status_code, f"{method} {path}: {answer.text[:500]}")
        return dict(answer.json()) if answer.content else {}

    def _sign_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        answer = self._session.post(f"{self.url}/auth/token", json=self._login, timeout=TIMEOUT)
        if not answer.ok:
            raise AirflowRestError(answer.status_code, "no token was given")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
