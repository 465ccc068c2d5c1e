"""
Every named point at which a task process is killed.

The points are no hooks in the product: :mod:`dev.faults.killing` wraps these functions from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dev.faults.case import Operator

When = Literal["before", "after", "inside"]

_P = "airflow_provider_ekyc"
_BEGIN = (f"{_P}.submission.journal:SubmissionRecords.begin",)
_COMPLETE = (f"{_P}.submission.journal:SubmissionRecords.complete",)
_REFUSED = (f"{_P}.submission.submitter:Submitter._note",)
_XCOM = (
    "dev.testing.task_context:TaskInstance.xcom_push",
    "airflow.sdk.execution_time.task_runner:RuntimeTaskInstance.xcom_push",
)
_BODY = (f"{_P}.api.upload:UploadBody.__iter__",)
_ASK = (f"{_P}.api.client:EkycClient.get_task",)
_SENSOR = f"{_P}.sensors.ekyc:EkycTaskSensor"
_TARGET = f"{_P}.s3.target:S3Target"
_UPLOAD = f"{_P}.s3.multipart:MultipartUpload"
_CHECK = f"{_P}.results.transfer:convert"
_DOWNLOAD = f"{_P}.results.download:download"
_TABLE = f"{_P}.iceberg.commit:WarehouseTable"
_COMMIT = (f"{_P}.iceberg.commit:_CommitsOnce.commit_table",)
_RETURN = (f"{_P}.transfers.ekyc_to_s3:EkycResultsToS3Operator.execute",)


@dataclass(frozen=True, slots=True)
class Point:
    """
    A point of an operator's run.

    :param name: as in the table of outcomes
    :param operator: whose run
    :param targets: functions as ``module:qualified.name``; the first call of any of them is the point
    :param when: ``inside`` is half-way through a body
    :param fault: a fault that must be on for the point to be reached
    :param in_parts: an upload in parts is needed to reach it, so results of any size go up in parts
    :param only: ``process`` (poking) or ``scheduler`` (deferring), if it exists in one of them alone
    """

    name: str
    operator: Operator
    targets: tuple[str, ...]
    when: When
    fault: str = ""
    in_parts: bool = False
    only: Literal["", "process", "scheduler"] = ""


#: In the place of a point's name: nothing is killed, and a mark is left at every point that is reached.
EVERY = "at every point"

POINTS: tuple[Point, ...] = (
    Point("before the intent", "submit", _BEGIN, "before"),
    Point("after the intent", "submit", _BEGIN, "after"),
    Point("after it is noted that it is sent now", "submit", (f"{_P}.hooks.ekyc:EkycHook.submit",), "before"),
    Point("before the first byte", "submit", _BODY, "before"),
    Point("in the body", "submit", _BODY, "inside"),
    Point("after the last byte", "submit", _BODY, "after"),
    Point("before the answer is read", "submit", (f"{_P}.api.client:read_submission_answer",), "before"),
    Point("before the receipt", "submit", _COMPLETE, "before"),
    Point("after the receipt", "submit", _COMPLETE, "after"),
    Point("before the XCom", "submit", _XCOM, "before"),
    Point("after the XCom", "submit", _XCOM, "after"),
    Point("before the return value", "submit", (f"{_P}.operators.ekyc:EkycSubmitOperator.execute",), "after"),
    Point("before a refusal is noted", "submit", _REFUSED, "before", fault="status 400"),
    Point("after a refusal is noted", "submit", _REFUSED, "after", fault="status 400"),
    Point("before the query", "wait", _ASK, "before", only="process"),
    Point("after the query", "wait", _ASK, "after", only="process"),
    Point("between two queries", "wait", (f"{_SENSOR}._get_next_poke_interval",), "after", only="process"),
    Point("before the deferral", "wait", (f"{_SENSOR}.defer",), "before", only="scheduler"),
    Point("at the resume", "wait", (f"{_SENSOR}.execute_complete",), "before", only="scheduler"),
    Point("before the resume's return value", "wait", (f"{_SENSOR}.execute_complete",), "after", only="scheduler"),
    Point("before the look", "land", (f"{_TARGET}.find",), "before"),
    Point("after the look", "land", (f"{_TARGET}.find",), "after"),
    Point("before the download", "land", (_DOWNLOAD,), "before"),
    Point("in the download", "land", (f"{_P}.api.result_connection:_blocks",), "inside"),
    Point("between two ranges", "land", (f"{_P}.results.download:_Downloading._fetch",), "after"),
    Point("after the download", "land", (_DOWNLOAD,), "after"),
    Point("in the check", "land", (f"{_P}.results.archive.check:unpacked",), "inside"),
    Point("after the check", "land", (_CHECK,), "after"),
    Point("before the put", "land", (f"{_TARGET}.put",), "before"),
    Point("in the put", "land", ("botocore.awsrequest:AWSConnection.send",), "inside"),
    Point("before the put's answer is read", "land", ("botocore.awsrequest:AWSHTTPConnection.getresponse",), "before"),
    Point("before the first part", "land", (f"{_UPLOAD}.send_part",), "before", in_parts=True),
    Point("after a part", "land", (f"{_UPLOAD}.send_part",), "after", in_parts=True),
    Point("before the completion", "land", (f"{_UPLOAD}.complete",), "before", in_parts=True),
    Point("after the completion", "land", (f"{_UPLOAD}.complete",), "after", in_parts=True),
    Point("after the put", "land", (f"{_TARGET}.put",), "after"),
    Point("before the XCom", "land", _XCOM, "before"),
    Point("after the XCom", "land", _XCOM, "after"),
    Point("before the return value", "land", _RETURN, "after"),
    Point("before the table is looked at", "table", (f"{_TABLE}.prepare",), "before"),
    Point("after the table is looked at", "table", (f"{_TABLE}.prepare",), "after"),
    Point("before the rows are added", "table", (f"{_TABLE}.add",), "before"),
    Point("before the commit", "table", _COMMIT, "before"),
    Point("in the commit", "table", ("sqlalchemy.orm:Session.commit",), "before"),
    Point("after the commit", "table", _COMMIT, "after"),
    Point("after the rows are added", "table", (f"{_TABLE}.add",), "after"),
    Point("before the XCom", "table", _XCOM, "before"),
    Point("after the XCom", "table", _XCOM, "after"),
    Point("before the return value", "table", _RETURN, "after"),
)


def find_point(operator: Operator, name: str) -> Point:
    """
    Return a point by its name.

    :raises LookupError: if the operator has no such point
    """
    for point in POINTS:
        if (point.operator, point.name) == (operator, name):
            return point
    raise LookupError(f"{operator} has no point {name!r}")
