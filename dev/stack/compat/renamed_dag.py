"""A mapped submission whose task is given another id while its run goes on, and a task after it that can be cleared."""

from __future__ import annotations

from pathlib import Path

#: The id at first, and the one that it is changed to: in a task group.
BEFORE, AFTER = "submit", "verify.submit_file"
DAG_ID = "compat_renamed"

_FILE = """
import contextlib

from airflow_provider_ekyc.airflow_sdk import BaseOperator, TaskGroup
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator

try:
    from airflow.sdk import DAG
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG


class Done(BaseOperator):
    def execute(self, context):
        return None


with DAG({dag_id!r}, schedule=None):
    with TaskGroup({group!r}) if {group!r} else contextlib.nullcontext():
        submit = EkycSubmitOperator.partial(task_id={task_id!r}, ekyc_conn_id={conn_id!r}).expand(numbers={numbers!r})
    submit >> Done(task_id="done")
"""


def write(
    folder: Path, task_id: str, numbers: list[str], conn_id: str = "ekyc_default", *, dag_id: str = DAG_ID
) -> None:
    """
    Write the DAG's file.

    :param folder: of DAG files
    :param task_id: of the submission, with its task group
    :param numbers: files to submit, one per map index
    :param conn_id: of the eKYC connection
    :param dag_id: of the DAG, and the name of its file
    """
    group, _, name = task_id.rpartition(".")
    text = _FILE.format(dag_id=dag_id, group=group, task_id=name, numbers=numbers, conn_id=conn_id)
    (folder / f"{dag_id}.py").write_text(text)
