"""
The plugin that adds the page "eKYC" to Airflow's UI.

Light: Airflow loads plugins in every component, in each task and in the CLI. The API server alone asks for
``fastapi_apps`` and ``react_apps``, and only then are FastAPI and Airflow's models imported.

It is found by the entry point ``airflow.plugins``. ``plugins`` in the provider's information names it as well on some
packages; here it does not, because Airflow loads these only with ``[core] lazy_load_providers = False``, and then
would find the plugin twice.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ekyc.airflow_sdk import AirflowPlugin, conf

log = logging.getLogger(__name__)

#: Path of the plugin's routes. It may not begin with one of Airflow's own: /api/v2, /ui, /auth, /execution, /pluginsv2.
URL_PREFIX = "/ekyc"

#: Last part of the page's address: ``<base>/plugin/ekyc``.
URL_ROUTE = "ekyc"

#: What the host looks for: the bundle sets ``globalThis["eKYC"]``. Also the name in the navigation, and of the tab.
NAME = "eKYC"

#: The first Airflow whose UI shows React apps of plugins.
FIRST_AIRFLOW = (3, 1)


class EkycPagePlugin(AirflowPlugin):
    """
    The page in the navigation, and a tab of each run.

    ``[ekyc] page = False`` switches both off, with all of their routes. Below Airflow 3.1 there is neither.
    """

    name = "ekyc_page"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # made when it is asked for
        """The routes; empty where there is no page. An error here would keep the API server from starting."""
        if not page_is_enabled():
            return []
        try:
            from airflow_provider_ekyc.plugins.page_app import page_app

            return [{"app": page_app(), "url_prefix": URL_PREFIX, "name": NAME}]
        except Exception:  # the page is an extra: Airflow must start without it
            log.warning("The eKYC page can't be shown by this Airflow.", exc_info=True)
            return []

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # likewise
        """The page and the tab, as Airflow's UI loads them; empty where the routes are not there."""
        if not self.fastapi_apps:
            return []
        bundle = f"{base_path()}{URL_PREFIX}/static/ekyc_page.js"
        return [
            {"name": NAME, "bundle_url": bundle, "destination": "nav", "url_route": URL_ROUTE},
            {"name": NAME, "bundle_url": bundle, "destination": "dag_run", "url_route": f"{URL_ROUTE}-run"},
        ]


def page_is_enabled() -> bool:
    """Return whether the running Airflow can show the page and ``[ekyc] page`` does not switch it off."""
    from airflow import __version__ as version

    try:
        if tuple(int(part) for part in version.split(".")[:2]) < FIRST_AIRFLOW:
            return False
        return bool(conf.getboolean("ekyc", "page", fallback=True))
    except Exception as error:  # noqa: BLE001  # a value that is no boolean must not keep a component from starting
        log.warning("The eKYC page is off: [ekyc] page can't be read (%s). Write True or False.", type(error).__name__)
        return False


def base_path() -> str:
    """Return the path of ``[api] base_url``, without a slash at its end: what the URLs of the UI begin with."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
