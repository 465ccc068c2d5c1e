"""
The buttons of the tasks of this package in Airflow's UI.

From 3.0 on a task writes the address of each button into an XCom, which the UI reads; Airflow 2 computes it in the
webserver. So a task pushes what only it knows as soon as it knows it, under the key that Airflow 3 uses.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ekyc.airflow_sdk import BaseOperatorLink, conf
from airflow_provider_ekyc.links.addresses import OPERATORS_WITH_ROW, console_address, page_address
from airflow_provider_ekyc.reported import report
from airflow_provider_ekyc.xcom_keys import CONSOLE_LINK, OBJECT_LINK, PAGE_LINK

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseOperator

log = logging.getLogger(__name__)

#: Attribute of an operator in which it keeps what it has shown in this process: XCom key -> address.
_SHOWN = "_ekyc_links_shown"


class EkycPageLink(BaseOperatorLink):
    """The task's row of the page "eKYC" (Airflow 3.1 and later); no address where there is no page."""

    name = "eKYC"
    xcom_key = PAGE_LINK

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return a path on Airflow's own server, or an empty text.

        :param ti_key: the task instance, or its key
        """
        return address_of_row(ti_key, operator)


class _ShownLink(BaseOperatorLink):
    """A link whose address the task itself has shown, by :func:`show`."""

    xcom_key: ClassVar[str]

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return an http or https address, or an empty text while there is none.

        :param ti_key: the task instance (in a task of Airflow 3), or its key (in the webserver of Airflow 2)
        """
        try:
            shown = getattr(operator, _SHOWN, {})
            url = shown[self.xcom_key] if self.xcom_key in shown else _stored(ti_key, self.xcom_key)
        except Exception as error:  # noqa: BLE001  # Airflow 3.0 lets a task fail whose link can't be made
            log.warning("The link %r can't be read (%s).", self.name, type(error).__name__)
            return ""
        # An XCom may be written by others.
        return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


class EkycConsoleLink(_ShownLink):
    """The remote task in the vendor's console, if the connection has a ``console_url``."""

    name = "Vendor's console"
    xcom_key = CONSOLE_LINK


class EkycObjectLink(_ShownLink):
    """The landed object: in the AWS console, or at the address of another store."""

    name = "S3 object"
    xcom_key = OBJECT_LINK


def show(operator: BaseOperator, context: Mapping[str, Any], link: type[_ShownLink], url: str) -> None:
    """
    Show a link of a running task from now on; a failure is logged.

    An empty address is remembered, so that the end of the task does not look for the XCom: Airflow logs an error for
    each XCom that is not there.

    :param operator: that runs
    :param context: of the task
    :param url: http or https; empty for no link
    """
    setattr(operator, _SHOWN, {**getattr(operator, _SHOWN, {}), link.xcom_key: url})
    if url:
        report(context, link.xcom_key, url)


def show_console(operator: BaseOperator, context: Mapping[str, Any], ekyc_conn_id: str, ekyc_task_id: str) -> None:
    """
    Show the link to the vendor's console from now on, if the connection has a ``console_url``; a failure is logged.

    :param operator: that runs
    :param context: of the task
    :param ekyc_conn_id: Airflow connection of type ``ekyc``
    :param ekyc_task_id: the remote task
    """
    from airflow_provider_ekyc.hooks.ekyc import EkycHook

    try:
        console_url = EkycHook(ekyc_conn_id).settings.console_url
    except Exception as error:  # noqa: BLE001  # a secrets backend may raise anything, and this is but a link
        log.info("The connection %r can't be read for a link (%s).", ekyc_conn_id, type(error).__name__)
        return
    show(operator, context, EkycConsoleLink, console_address(console_url or "", ekyc_task_id))


def show_row(context: Mapping[str, Any]) -> None:
    """
    Show the link to the page from now on: Airflow itself writes it when the task ends or defers.

    :param context: of the running task
    """
    if address := address_of_row(context["ti"], context.get("task")):
        report(context, PAGE_LINK, address)


def address_of_row(ti: Any, task: Any = None) -> str:
    """
    Return the address of a task instance in the page, or an empty text where there is no page, or no row of the task.

    :param ti: the task instance, or its key
    :param task: its operator, if it is known
    """
    try:
        if not _has_page() or (task is not None and task.task_type not in OPERATORS_WITH_ROW):
            return ""
        return page_address(
            conf.get("api", "base_url", fallback="") or "",
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None else ti.map_index,
        )
    except Exception as error:  # noqa: BLE001  # Airflow 3.0 lets a task fail whose link can't be made
        log.warning("The address of the page is not known (%s).", type(error).__name__)
        return ""


def _has_page() -> bool:
    """Whether this Airflow has pages of plugins (3.1), and ``[ekyc] page`` does not switch ours off."""
    from airflow import __version__

    major, minor = (int(part) for part in __version__.split(".")[:2])
    return (major, minor) >= (3, 1) and conf.getboolean("ekyc", "page", fallback=True)


def _stored(ti: Any, key: str) -> object:
    """Return an XCom of the task instance itself, None if there is none."""
    if hasattr(ti, "xcom_pull"):
        return ti.xcom_pull(task_ids=ti.task_id, key=key, map_indexes=ti.map_index)
    from airflow_provider_ekyc.airflow_sdk import XCom

    return XCom.get_value(ti_key=ti, key=key)
