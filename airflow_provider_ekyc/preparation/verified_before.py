"""Which numbers need not be verified again, as the operator's arguments say."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from airflow_provider_ekyc.arguments import read_text
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.history.freshness import Freshness, find_fresh
from airflow_provider_ekyc.history.parquet_files import ParquetFiles
from airflow_provider_ekyc.history.source import HistorySource
from airflow_provider_ekyc.history.windows import Windows, read_windows
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED

if TYPE_CHECKING:
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers

_NOTHING = (None, "", "None")


@dataclass(frozen=True, slots=True)
class VerifiedBefore:
    """
    Leaves out the numbers that have a result which is young enough.

    :param source: the history
    :param windows: how long each answer counts
    :param task_type: what will be verified
    :param clock: returns the time, with a time zone
    :param count_stale: whether all of the history is read
    :param spool_dir: directory for the temporary files, default the system's
    """

    source: HistorySource
    windows: Windows
    task_type: str
    clock: Callable[[], datetime]
    count_stale: bool
    spool_dir: str | os.PathLike[str] | None

    def leave_out_fresh(self, numbers: DistinctNumbers) -> Freshness:
        """
        Leave out the fresh ones of the numbers.

        :raises EkycHistoryError: if the history can't be read
        """
        return find_fresh(
            numbers,
            self.source,
            self.windows,
            self.task_type,
            self.clock(),
            self.spool_dir,
            count_stale=self.count_stale,
        )


def read_history(
    skip_verified_within: object,
    history_uri: object,
    history_table: object,
    *,
    iceberg_conn_id: str,
    aws_conn_id: str | None,
    numbers_conn_id: str | None,
) -> tuple[Windows, HistorySource] | None:
    """
    Return how long answers count and where they are; None if each number is to be verified.

    :param skip_verified_within: a duration, or one for each answer
    :param history_uri: prefix of landed Parquet files
    :param history_table: Iceberg table of them, instead
    :param iceberg_conn_id: Airflow connection of the table's catalog
    :param aws_conn_id: Airflow connection for ``s3://``
    :param numbers_conn_id: Airflow connection for other URIs
    :raises EkycSettingsError: if an argument is wrong, or one is missing
    """
    given = [name for name, value in (("history_uri", history_uri), ("history_table", history_table)) if _is_set(value)]
    if not _is_set(skip_verified_within):
        if given:
            raise EkycSettingsError(
                f"{given[0]} has no effect without skip_verified_within. {NOTHING_CHARGED} Set skip_verified_within, "
                f"or leave {given[0]} out."
            )
        return None
    windows = read_windows(skip_verified_within)
    if len(given) != 1:
        raise EkycSettingsError(
            f"skip_verified_within needs the landed results: set either history_uri or history_table. {NOTHING_CHARGED}"
        )
    from_table = _is_set(history_table)
    module, extra = ("pyiceberg", "iceberg") if from_table else ("pyarrow", "parquet")
    if find_spec(module) is None:
        raise EkycSettingsError(
            f"{given[0]} needs {module}: pip install 'airflow-provider-ekyc[{extra}]'. {NOTHING_CHARGED}"
        )
    if not from_table:
        return windows, ParquetFiles(history_uri, aws_conn_id=aws_conn_id, conn_id=numbers_conn_id)
    from airflow_provider_ekyc.iceberg.history import IcebergHistory

    return windows, IcebergHistory(read_text("history_table", history_table), iceberg_conn_id)


def _is_set(value: object) -> bool:
    return value not in _NOTHING
