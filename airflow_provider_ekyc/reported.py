"""
What a task reports in XComs beside its result, so that a person sees it in Airflow's UI.

None of it may fail a task, or make it run again: what was paid for counts more than what is shown of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)


def report(context: Mapping[str, Any], key: str, value: Any) -> bool:
    """
    Push an XCom of the running task; a failure, to make the value or to push it, is logged.

    :param context: of the task
    :param key: of :mod:`airflow_provider_ekyc.xcom_keys`
    :param value: what JSON can hold, without a number, a key or the query of a URL; or a function that returns it
    :return: whether it was pushed
    """
    try:
        context["ti"].xcom_push(key=key, value=value() if callable(value) else value)
    except Exception as error:  # noqa: BLE001  # Airflow, or an XCom backend of the user's, may raise anything
        log.warning("The XCom %r can't be written (%s). The task goes on.", key, type(error).__name__)
        return False
    return True
