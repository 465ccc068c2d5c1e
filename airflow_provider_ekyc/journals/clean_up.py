"""
Delete the records of old submissions from Airflow's Variables. For Airflow 3.3 and later, whose tasks can list them.

.. code-block:: python

    @task
    def clean_up():
        from datetime import timedelta

        from airflow_provider_ekyc.journals.clean_up import delete_old_records

        delete_old_records(timedelta(days=90))
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ekyc.airflow_sdk import Variable
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.journals.variable_store import CHECK, PREFIX

log = logging.getLogger(__name__)

#: Where each kind of record has its time.
_TIMES = {"receipt": "submitted_at", "intent": "started_at", "instance": "updated_at"}


def delete_old_records(older_than: timedelta, *, now: datetime | None = None) -> int:
    """
    Delete records of submissions that were accepted or refused so long ago, and those of their task instances.

    A submission whose outcome is unknown is kept, and so is what a person wrote by hand. A clear of a task whose
    records are gone submits again, and is charged; its log warns of it.

    :param older_than: longer than anybody clears back
    :param now: aware time, default the present
    :return: how many Variables were deleted
    :raises EkycSettingsError: below Airflow 3.3, where ``airflow variables list`` and ``airflow variables delete`` do
        the same
    """
    if not hasattr(Variable, "keys"):
        raise EkycSettingsError(
            "delete_old_records needs Airflow 3.3 or later. On this one use the command line: airflow variables list, "
            f"airflow variables delete, for keys that begin with {PREFIX}."
        )
    before = (now or datetime.now(UTC)) - older_than
    deleted = 0
    for key in list(Variable.keys(prefix=PREFIX)):
        if key != CHECK and _is_old(Variable.get(key, default=None), before):
            Variable.delete(key)
            deleted += 1
    log.info("Deleted %d Variables with records of submissions from before %s.", deleted, before.isoformat())
    return deleted


def _is_old(value: Any, before: datetime) -> bool:
    try:
        record = json.loads(value)
        time = datetime.fromisoformat(record[_TIMES[record["record"]]])
    except (TypeError, KeyError, ValueError):
        return False  # written by hand, or not ours
    is_open = record["record"] == "intent" and record.get("state") != "not_taken"
    return time < before and not is_open
