"""
Delete the records of old submissions from Airflow's Variables. For Airflow 3.3 and later, whose tasks can list them.

.. code-block:: python

    @task
    def clean_up():
        from datetime import timedelta

        from airflow_provider_ekyc.submission.clean_up import delete_old_records

        delete_old_records(timedelta(days=90))
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.submission.instance_journal import INSTANCE
from airflow_provider_ekyc.submission.journal import OPEN, RECEIPT
from airflow_provider_ekyc.submission.record import IntentState
from airflow_provider_ekyc.submission.record_format import has_known_schema, read_json
from airflow_provider_ekyc.submission.variable_store import (
    CHECK,
    PREFIX,
    delete_variable,
    list_variables,
    read_variable,
)

log = logging.getLogger(__name__)

#: Where each kind of record has its time.
_TIMES = {"receipt": "submitted_at", "intent": "started_at", "instance": "updated_at"}


def delete_old_records(older_than: timedelta, *, now: datetime | None = None) -> int:
    """
    Delete records of submissions that were accepted or refused so long ago, and those of their task instances.

    A submission whose outcome is unknown is kept, and so is what a person or a later version wrote, and what a task
    with a ``journal_uri`` has in Variables: its submissions are recorded where they are not looked at. The records of
    one task instance, its own and those of all that it has begun, are deleted together: by them one list stops another.
    A clear of a task whose records are gone submits again, and is charged; its log contains a warning.

    :param older_than: longer than the age of any task that is still cleared
    :param now: time with a time zone, default the present
    :return: number of deleted Variables
    :raises EkycSettingsError: below Airflow 3.3, where ``airflow variables list`` and ``airflow variables delete`` do
        the same
    :raises EkycJournalError: if Variables can't be listed or read just now
    """
    keys = list_variables(PREFIX)
    if keys is None:
        raise EkycSettingsError(
            "delete_old_records needs Airflow 3.3 or later. On this one use the command line: airflow variables list, "
            f"airflow variables delete, for keys that begin with {PREFIX}."
        )
    before = (now or datetime.now(UTC)) - older_than
    records = {key: _read(read_variable(key)) for key in keys if not key.startswith(CHECK)}
    # The record of what was being sent is deleted before its receipt: alone it would mean an unknown outcome.
    old = [
        key
        for key in sorted(records, key=lambda each: each.endswith(RECEIPT))
        if _is_old(_deciding(key, records), before)
    ]
    kept = _with_their_instances(records.keys() - set(old), records)
    old = [key for key in old if key not in kept]
    for key in old:
        delete_variable(key)
    log.info("Deleted %d Variables with records of submissions from before %s.", len(old), before.isoformat())
    return len(old)


def _deciding(key: str, records: Mapping[str, Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """Return the receipt of a submission, and where there is none the record itself."""
    receipt = records.get(key.replace(f"_{OPEN}", "_") + RECEIPT)
    # After "send again" the entry of the receipt has that of what was to be sent.
    return receipt if receipt is not None and receipt.get("record") == "receipt" else records[key]


def _read(value: str | None) -> Mapping[str, Any] | None:
    record = None if value is None else read_json(value.encode())
    # None also for what was written by hand, or is not ours.
    return record if isinstance(record, Mapping) and "schema" in record and has_known_schema(record) else None


def _with_their_instances(kept: Set[str], records: Mapping[str, Mapping[str, Any] | None]) -> set[str]:
    """
    Return what is to be kept, with the records of the task instances that have begun it, and of what these have begun.

    A task instance whose record names a submission of which there is no record would submit nothing any more.
    """
    whole = set(kept)
    groups = [{key, *begun} for key, record in records.items() if (begun := set(_begun_by(key, record)))]
    while more := [group for group in groups if not whole.isdisjoint(group) and not whole.issuperset(group)]:
        whole.update(*more)
    return whole


def _begun_by(key: str, record: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the keys of the records of what a task instance has begun; none if this is not its record."""
    prefix, instance, _ = key.rpartition(f"_{INSTANCE}")
    begun = record.get("begun") if instance and record is not None else None
    for name in begun if isinstance(begun, Mapping) else ():
        yield from (f"{prefix}_{name}", f"{prefix}_{OPEN}{name}", f"{prefix}_{name}{RECEIPT}")


def _is_old(record: Mapping[str, Any] | None, before: datetime) -> bool:
    if record is None or (record.get("record") == "intent" and record.get("state") != IntentState.NOT_ACCEPTED):
        return False
    if record.get("record") == "pointer":
        return False  # whether its submission, in another store, has an unknown outcome is not known here
    try:
        time = datetime.fromisoformat(record[_TIMES[record["record"]]])
    except (TypeError, KeyError, ValueError):
        return False
    return (time if time.tzinfo else time.replace(tzinfo=UTC)) < before
