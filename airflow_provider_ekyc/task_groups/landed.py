"""The last task of a group: what all files together have landed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_sdk import BaseOperator
from airflow_provider_ekyc.transfers.outlets import is_asset

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context

#: Counts of the XCom ``result`` of ``EkycResultsToS3Operator`` that add up over files.
COUNTS = ("rows", "yes", "no", "unknown", "missing")


class LandedFilesOperator(BaseOperator):
    """
    Collect what the mapped tasks of a group have landed.

    Airflow gives a task after a mapped group a list of their outputs, but no list where there is one file, or none;
    and a mapped task can't be expanded over them. This task's output is always a list.

    Returns the S3 URIs of the landed objects, in the order of the files. A second XCom, ``total``, holds ``files``
    (that were prepared), ``landed`` (of them) and, summed over these, ``rows``, ``yes``, ``no``, ``unknown`` and
    ``missing``. The asset events of ``outlets`` carry the same: one event per run, not one per file.

    :param files_from: id of the task whose output is the list of files
    :param landed_by: id of the mapped task that has landed them
    """

    ui_color = "#d8e0f0"

    def __init__(self, *, files_from: str, landed_by: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.files_from = files_from
        self.landed_by = landed_by

    def execute(self, context: Context) -> list[str]:
        """Return the S3 URIs."""
        ti = context["ti"]
        files = len(ti.xcom_pull(task_ids=self.files_from) or ())
        found = ti.xcom_pull(task_ids=[self.landed_by], key="result", map_indexes=list(range(files))) if files else ()
        results = [result for result in found if isinstance(result, Mapping)]
        total = total_of(results, files)
        self.log.info(
            "Landed files: %s of %s. Numbers: %s, %s yes, %s no, %s unknown.",
            *(f"{total[name]:,}" for name in ("landed", "files", "rows", "yes", "no", "unknown")),
        )
        for outlet in self.outlets:
            if is_asset(outlet):
                context["outlet_events"][outlet].extra.update(total)
        ti.xcom_push(key="total", value=total)
        return [str(result["s3_uri"]) for result in results]


def total_of(results: Sequence[Mapping[str, Any]], files: int) -> dict[str, int]:
    """
    Sum the counts of landed files.

    :param results: XComs ``result`` of ``EkycResultsToS3Operator``; a count that one does not have is 0
    :param files: how many files there are, landed or not
    """
    return {
        "files": files,
        "landed": len(results),
        **{name: sum(result.get(name) or 0 for result in results) for name in COUNTS},
    }
