"""The Iceberg table of a transfer, read out of its arguments before any request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ekyc.arguments import read_text
from airflow_provider_ekyc.exceptions import EkycSettingsError

if TYPE_CHECKING:
    from airflow_provider_ekyc.iceberg.commit import WarehouseTable
    from airflow_provider_ekyc.results.transfer import TransferJob
    from airflow_provider_ekyc.s3.object import Place


def is_wanted(iceberg_table: object) -> bool:
    """Return whether the argument names a table; a template that found nothing gives ``""`` or ``"None"``."""
    return iceberg_table not in (None, "", "None")


def read_warehouse(
    iceberg_table: object, iceberg_conn_id: object, job: TransferJob, place: Place
) -> WarehouseTable | None:
    """
    Read the arguments.

    :param job: the transfer
    :param place: of the landed object
    :return: None if there is no table
    :raises EkycSettingsError: if the table can't have what the transfer lands, or this worker lacks a package
    """
    if not is_wanted(iceberg_table):
        return None
    from airflow_provider_ekyc.iceberg.catalog import read_table_name, unmet_requirement
    from airflow_provider_ekyc.iceberg.commit import WarehouseTable

    name = read_table_name("iceberg_table", iceberg_table)
    if problem := conflict_of(job.output_format.name, replace=job.replace) or unmet_requirement():
        raise EkycSettingsError(f"{problem} No request was sent.")
    if "?" in place.key or "#" in place.key:
        raise EkycSettingsError(
            "s3_key has a ? or a #: readers of an Iceberg table take what follows for a part of a URL. Use another "
            "key. No request was sent."
        )
    if "//" in place.key:
        raise EkycSettingsError(
            "s3_key has //: what adds a file to an Iceberg table can't read a key with an empty part, so the result "
            "would be landed and never be added. Remove one slash; a template that found nothing may have left both. "
            "No request was sent."
        )
    return WarehouseTable(name, read_text("iceberg_conn_id", iceberg_conn_id))


def conflict_of(output_format: str | None, *, replace: object) -> str | None:
    """
    Return why a transfer with such arguments has nothing for a table, as a sentence; None if it has.

    :param output_format: None if it is not known yet
    :param replace: a boolean, or text: a template that is not rendered yet is neither
    """
    if output_format not in (None, "parquet"):
        return f"iceberg_table needs output_format='parquet', not {output_format!r}."
    if str(replace).strip().lower() == "true":
        return "iceberg_table and replace=True contradict each other: a file of a table must not change."
    return None
