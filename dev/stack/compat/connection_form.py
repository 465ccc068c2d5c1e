"""The connection form of Airflow's UI: what it shows of the type eKYC, how it stores a connection and tests one.

Over the requests that the form's own scripts send; in a browser the form is filled in by ``tests/browser``.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ekyc.connection_form import form_behaviour, form_fields
from dev.stack.airflow_rest import AirflowRest
from dev.stack.compat.findings import GENERAL_FORM, OWN_FORM
from dev.stack.compat.versions import CompatError
from dev.stack.compat.web_session import Web2Session, WebSession

CONN_TYPE = "ekyc"
CONN_ID = "ekyc_default"


class ConnectionForm:
    """The form of one Airflow 3.

    :param web: the administrator's session
    :param rest: the administrator's REST API
    """

    def __init__(self, web: WebSession, rest: AirflowRest) -> None:
        self._web = web
        self._rest = rest

    def shown(self) -> str:
        """Return which form the UI shows for the type: :data:`OWN_FORM` or :data:`GENERAL_FORM`.

        :raises CompatError: if the type is not in the list, or its form is neither
        """
        types = self._web.call("GET", "ui/connections/hook_meta")
        (found,) = [each for each in types if each["connection_type"] == CONN_TYPE] or [None]
        if found is None:
            raise CompatError("the type is not in the list of the connection form")
        standard = found["standard_fields"] or {}
        labels = {name: (standard.get(name) or {}).get("title") for name in ("host", "password")}
        return _judged(list(found["extra_fields"] or {}), labels)

    def store(self, url: str, key: str, extra: Mapping[str, str]) -> None:
        """Store the connection as the form does.

        :param url: base URL of the API, with its port
        :param key: the API key
        :param extra: the extra fields, by name
        """
        self._web.call("POST", "api/v2/connections", {"connection_id": CONN_ID, **_fields(url, key, extra)})

    def test(self, url: str, key: str, extra: Mapping[str, str]) -> bool:
        """Test the connection as the button does.

        :param url: base URL of the API, with its port
        :param key: the API key
        :param extra: the extra fields, by name
        :return: whether the UI says that it works
        """
        return self._rest.test_connection({"connection_id": CONN_ID, **_fields(url, key, extra)})


class Connection2Form(ConnectionForm):
    """The form of one Airflow 2, a page of HTML.

    :param pages: the administrator's session
    :param rest: the administrator's REST API
    """

    def __init__(self, pages: Web2Session, rest: AirflowRest) -> None:
        self._pages = pages
        self._rest = rest

    def shown(self) -> str:
        """Return which form the UI shows for the type: :data:`OWN_FORM` or :data:`GENERAL_FORM`.

        :raises CompatError: if the type is not in the list, or its form is neither
        """
        page = self._pages.page("connection/add")
        if f'<option value="{CONN_TYPE}">' not in page:
            raise CompatError("the type is not in the list of the connection form")
        behaviours = re.search(r'<script id="field_behaviours"[^>]*>(.*?)</script>', page, re.DOTALL)
        known = json.loads(html.unescape(behaviours[1])) if behaviours else {}
        labels = known.get(CONN_TYPE, {}).get("relabeling", {})
        fields = re.findall(rf'<input [^>]*name="extra__{CONN_TYPE}__(\w+)"', page)
        return _judged(fields, {name: labels.get(name) for name in ("host", "password")})

    def store(self, url: str, key: str, extra: Mapping[str, str]) -> None:
        """Store the connection with the form.

        :param url: base URL of the API, with its port
        :param key: the API key
        :param extra: the extra fields, by name
        """
        fields = {name: str(value) for name, value in _fields(url, key, {}).items() if name != "extra"}
        named = {f"extra__{CONN_TYPE}__{name}": text for name, text in extra.items()}
        self._pages.send("connection/add", {"conn_id": CONN_ID, **fields, **named})


def _fields(url: str, key: str, extra: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "conn_type": CONN_TYPE,
        "host": f"{parts.scheme}://{parts.hostname}",
        "port": parts.port,
        "password": key,
        "extra": json.dumps(dict(extra)),
    }


def _judged(fields: Sequence[str], labels: Mapping[str, str | None]) -> str:
    """Say which form it is.

    :param fields: names of the extra fields, in order
    :param labels: of the standard fields ``host`` and ``password``
    """
    own = {name: form_behaviour()["relabeling"][name] for name in ("host", "password")}
    if list(fields) == list(form_fields()) and dict(labels) == own:
        return OWN_FORM
    if not fields and not any(labels.values()):
        return GENERAL_FORM
    raise CompatError(f"the connection form has the fields {list(fields)} and the labels {dict(labels)}")
