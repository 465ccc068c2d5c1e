"""Whole addresses of Airflow's UI for a message that is read elsewhere. Light: the configuration is read when asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from airflow_provider_ekyc.airflow_sdk import conf


def log_address(dag_id: str, run_id: str, task_id: str, map_index: int = -1, try_number: int | None = None) -> str:
    """
    Return the address of a task's log, or of the run if there is no task; an empty text if the UI's own is not set.

    :param task_id: empty for the run
    :param map_index: -1 for none
    :param try_number: from 1; None for the latest
    """
    from airflow import __version__ as version

    if version.startswith("2."):
        return _log_address_2(dag_id, run_id, task_id, map_index)
    base = _base("api")
    if not base:
        return ""
    address = f"{base}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"
    if task_id:
        address += f"/tasks/{quote(task_id)}"
        address += f"/mapped/{map_index}" if map_index >= 0 else ""
        address += f"?try_number={try_number}" if try_number else ""
    return address


def row_address(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str:
    """Return the address of a task's row on the eKYC page; an empty text where there is no page."""
    from airflow_provider_ekyc.plugins.ekyc_page import URL_ROUTE, page_is_enabled

    base = _base("api") if page_is_enabled() else ""
    if not base:
        return ""
    row: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id}
    row |= {"task_id": task_id, "map_index": map_index} if task_id else {}
    return f"{base}/plugin/{URL_ROUTE}?{urlencode(row)}"


def _log_address_2(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the address in the UI of Airflow 2."""
    base = _base("webserver")
    if not base:
        return ""
    place: dict[str, Any] = {"dag_run_id": run_id}
    place |= {"task_id": task_id, "tab": "logs"} if task_id else {}
    place |= {"map_index": map_index} if map_index >= 0 else {}
    return f"{base}/dags/{quote(dag_id)}/grid?{urlencode(place)}"


def _base(section: str) -> str:
    base = str(conf.get(section, "base_url", fallback="") or "").rstrip("/")
    return base if base.startswith(("http://", "https://")) else ""
