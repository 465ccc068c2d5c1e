"""Transfer of a remote task's results to S3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_errors import airflow_errors
from airflow_provider_ekyc.airflow_sdk import BaseOperator
from airflow_provider_ekyc.arguments import (
    read_bool,
    read_choice,
    read_count,
    read_task_type,
    read_text,
)
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.links.ekyc import EkycObjectLink
from airflow_provider_ekyc.xcom_keys import RESULT

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, ObjectStoragePath, XComArg
    from airflow_provider_ekyc.iceberg.commit import Committed
    from airflow_provider_ekyc.results.compare.submitted_input import SubmittedInput
    from airflow_provider_ekyc.results.table.header import ColumnNames
    from airflow_provider_ekyc.results.transfer import TransferJob
    from airflow_provider_ekyc.s3.result_object import Landed
    from airflow_provider_ekyc.submission.record import Submission
    from airflow_provider_ekyc.transfers.places import Places

#: More would be slower: two cores can't decrypt more, and a worker has other tasks.
_MOST_CONNECTIONS = 32


class EkycResultsToS3Operator(BaseOperator):
    """
    Download a remote task's results, check them, and land them in S3: whole, or not at all.

    A fresh result URL is requested, downloaded without the API key, and checked: a real zip archive, the CRC of
    every member, a readable table, the rows that the task reports, each number once and with one answer, as many
    numbers as were sent. Only then does the object become visible.

    A retry or a clear after a landed result finds it by its metadata, its size and its SHA-256: it sends no request to
    the API, downloads nothing and lands nothing twice. A key that another object has fails the task before the
    download.

    Returns the S3 URI. A second XCom, ``result``, holds ids and counts: ``ekyc_task_id``, ``s3_uri``,
    ``output_format``, ``rows``, ``yes``, ``no``, ``unknown``, ``size`` (bytes), ``sha256``, ``unmatched``,
    ``unmatched_uri``, ``distinct``, ``contradictions``, ``missing``; with ``iceberg_table`` also ``iceberg_table`` and
    ``iceberg_snapshot_id`` (text). ``outlets=[Asset(...)]`` gives an asset event with the same. ``summary`` is one line
    of text, ``failure`` says why a task has failed; the button *S3 object* leads to the object.

    :param ekyc_task_id: the remote task: the return value of ``EkycSubmitOperator``, or a literal id (templated)
    :param s3_key: key of the object, or a whole ``s3://`` address; the connection in ``s3://conn_id@bucket/key`` wins
        over ``aws_conn_id`` (templated)
    :param s3_bucket: bucket, unless ``s3_key`` is an address (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param aws_conn_id: Airflow connection to write with, and to read ``numbers`` at an ``s3://`` address (templated)
    :param replace: whether to overwrite an object at the key that is not this remote task's result in this format;
        that one is never landed again (templated)
    :param encrypt: whether S3 encrypts the object with its own keys, as in ``S3Hook`` (templated)
    :param acl_policy: canned ACL of the object (templated)
    :param s3_extra_args: further arguments of S3's ``PutObject``: ``StorageClass``, ``SSEKMSKeyId``,
        ``Tagging``, ... (templated)
    :param output_format: ``zip``, the archive as delivered; ``csv``, ``csv.gz`` or ``parquet``, its rows (templated)
    :param check: ``table`` (default), or ``archive``: with ``output_format="zip"``, only the archive itself is
        checked, to land a result that is not understood as it was delivered (templated)
    :param number_column: name of the number's column, if it is none of the known ones, or if there are several
        (templated)
    :param result_column: name of the answer's column, if the vendor's table has several (templated)
    :param task_type: what was verified: a column of ``parquet``, the header of ``csv``; by default that of the
        submission, or ``amazon`` where none is known. Another one than the submission's is an error (templated)
    :param numbers: the input that was sent, to find which numbers are not in the result (templated)
    :param numbers_conn_id: Airflow connection to read ``numbers`` with, as in ``EkycSubmitOperator`` (templated)
    :param submission: ``submit.output["submission"]``, or the same as JSON; by default that of an
        ``EkycSubmitOperator`` upstream, if it submitted this remote task (templated)
    :param unmatched_key: where to land the numbers that are not in the result, one per line: a key in the same
        bucket, or a whole address; needs ``numbers`` (templated)
    :param on_mismatch: ``fail`` (default) or ``warn``, if the result does not have the rows that the task reports, has
        fewer different numbers, a number both as yes and as no, or other numbers than were sent (templated)
    :param spool_dir: directory for the nameless spool files, default the system's (templated)
    :param connections: how many connections download the result, and then upload it, at a time: 1 to 32. A connection
        to S3 gives 80 to 90 MB/s; AWS's guidance is to use several, each for a range or a part of 8 to 16 MiB
        ("Performance guidelines for Amazon S3" and "Performance design patterns for Amazon S3" in its User Guide).
        With 1, one range or part follows another (templated)
    :param iceberg_table: Iceberg table (``namespace.table``) to which the landed file is added as it is, in one
        snapshot, exactly once; needs ``output_format="parquet"``. It is made if it is not there (templated)
    :param iceberg_conn_id: Airflow connection of type ``iceberg``, of the table's catalog (templated)
    """

    template_fields: Sequence[str] = (
        "ekyc_task_id",
        "s3_key",
        "s3_bucket",
        "ekyc_conn_id",
        "aws_conn_id",
        "replace",
        "encrypt",
        "acl_policy",
        "s3_extra_args",
        "output_format",
        "check",
        "number_column",
        "result_column",
        "ekyc_task_type",
        "numbers",
        "numbers_conn_id",
        "submission",
        "unmatched_key",
        "on_mismatch",
        "spool_dir",
        "connections",
        "iceberg_table",
        "iceberg_conn_id",
    )
    ui_color = "#d8e0f0"
    operator_extra_links = (EkycObjectLink(),)

    def __init__(
        self,
        *,
        ekyc_task_id: str | XComArg,
        s3_key: str,
        s3_bucket: str | None = None,
        ekyc_conn_id: str = EkycHook.default_conn_name,
        aws_conn_id: str | None = "aws_default",
        replace: bool | str = False,
        encrypt: bool | str = False,
        acl_policy: str | None = None,
        s3_extra_args: Mapping[str, Any] | None = None,
        output_format: str = "zip",
        check: str = "table",
        number_column: str | None = None,
        result_column: str | None = None,
        task_type: str | None = None,
        numbers: str | PathLike[str] | ObjectStoragePath | XComArg | None = None,
        numbers_conn_id: str | None = None,
        submission: Mapping[str, Any] | str | XComArg | None = None,
        unmatched_key: str | None = None,
        on_mismatch: str = "fail",
        spool_dir: str | None = None,
        connections: int | str = 8,
        iceberg_table: str | None = None,
        iceberg_conn_id: str = "iceberg_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ekyc_task_id = ekyc_task_id
        self.s3_key = s3_key
        self.s3_bucket = s3_bucket
        self.ekyc_conn_id = ekyc_conn_id
        self.aws_conn_id = aws_conn_id
        self.replace = replace
        self.encrypt = encrypt
        self.acl_policy = acl_policy
        self.s3_extra_args = s3_extra_args
        self.output_format = output_format
        self.check = check
        self.number_column = number_column
        self.result_column = result_column
        self.ekyc_task_type = task_type  # task_type itself is Airflow's name for the operator's class
        self.numbers = numbers
        self.numbers_conn_id = numbers_conn_id
        self.submission = submission
        self.unmatched_key = unmatched_key
        self.on_mismatch = on_mismatch
        self.spool_dir = spool_dir
        self.connections = connections
        self.iceberg_table = iceberg_table
        self.iceberg_conn_id = iceberg_conn_id
        self._landed: Landed | None = None
        self._committed: Committed | None = None
        self._host: str | None = None
        self._verified: str | None = None

    def execute(self, context: Context) -> str:
        """Land the result, add it to the Iceberg table if there is one, and return its S3 URI."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_ekyc.metrics import CountedSource
        from airflow_provider_ekyc.s3.client import s3_client
        from airflow_provider_ekyc.s3.put_arguments import read_extra_args
        from airflow_provider_ekyc.s3.target import S3Target
        from airflow_provider_ekyc.tracing import task_span
        from airflow_provider_ekyc.transfers.lineage import api_host, report_to_hook_lineage
        from airflow_provider_ekyc.transfers.outlets import describe_outlets
        from airflow_provider_ekyc.transfers.shown import show_landed
        from airflow_provider_ekyc.transfers.warehouse import read_warehouse

        self._landed = self._committed = None
        with airflow_errors(self, context, submitted=True), task_span("ekyc.land", context.get("ti")) as step:
            places = self._places()
            job = self._job(context)
            self._verified = job.task_type
            step.set(ekyc_task_id=job.ekyc_task_id, task_type=job.task_type, output_format=job.output_format.name)
            warehouse = read_warehouse(self.iceberg_table, self.iceberg_conn_id, job, places.result)
            extra_args = read_extra_args(self.s3_extra_args, self.encrypt, self.acl_policy)
            s3 = S3Hook(aws_conn_id=places.conn_id, extra_args=extra_args)
            client = s3_client(s3, "No request was sent.")
            hook = EkycHook(self.ekyc_conn_id)
            wanted = filter(None, (places.result, places.unmatched))
            targets = [S3Target(place.bucket, place.key, client, s3.extra_args) for place in wanted]
            if warehouse is not None:
                warehouse.prepare(job.ekyc_task_id, targets[0].uri)
            source = CountedSource(hook, job)
            landed = job.run(source, *targets)
            source.count_landed(landed)
            step.set(rows=landed.rows, bytes=landed.size)
            committed = None if warehouse is None else warehouse.add(landed)
        self._landed, self._committed, self._host = landed, committed, api_host(hook)
        reported = landed.as_dict() if committed is None else landed.as_dict() | committed.as_dict()
        context["ti"].xcom_push(key=RESULT, value=reported)
        show_landed(self, context, targets[0], reported)
        describe_outlets(self.outlets, context, landed.s3_uri, reported)
        report_to_hook_lineage(landed, self._host, hook, s3, committed)
        return landed.s3_uri

    @staticmethod
    def unmet_requirement(task: Any) -> str | None:
        """
        Return what a task of this class would fail for on this worker; a submission upstream asks before it pays.

        :param task: the task, mapped or not
        """
        from airflow_provider_ekyc.transfers.requirements import unmet_requirement

        return unmet_requirement(task)

    @staticmethod
    def missing_bucket(task: Any, render: Callable[[object], str | None]) -> str | None:
        """
        Return which bucket of a task of this class does not exist; a submission upstream asks before it pays.

        :param task: the task, mapped or not
        :param render: renders an argument with what is known by then
        """
        from airflow_provider_ekyc.transfers.buckets import missing_bucket

        return missing_bucket(task, render)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """
        Return inputs and outputs for OpenLineage's provider: ids, columns and counts.

        :param task_instance: not looked at
        :return: its ``OperatorLineage``; an empty one if nothing has landed
        """
        from airflow_provider_ekyc.transfers.lineage import openlineage_of

        return openlineage_of(self._landed, self._host, str(self._verified), self._committed)

    def _job(self, context: Context) -> TransferJob:
        """Read the arguments, before any request is sent."""
        from airflow_provider_ekyc.api.task_ids import checked_task_id
        from airflow_provider_ekyc.results.output.formats import FORMATS
        from airflow_provider_ekyc.results.transfer import TransferJob
        from airflow_provider_ekyc.transfers.submissions import type_of

        ekyc_task_id = checked_task_id(self.ekyc_task_id)
        given = _optional("task_type", self.ekyc_task_type)
        given_type = None if given is None else read_task_type(given)
        output_format = FORMATS[read_choice("output_format", self.output_format, tuple(FORMATS))]
        for module, package in output_format.modules.items():
            if find_spec(module) is None:
                raise EkycSettingsError(
                    f"output_format={output_format.name!r} needs {module}: pip install {package}. No request was sent."
                )
        submission = self._submission(context, ekyc_task_id)
        task_type = type_of(submission, given_type)
        return TransferJob(
            ekyc_task_id=ekyc_task_id,
            output_format=output_format,
            task_type=task_type,
            columns=self._columns(task_type) if self._reads_table(output_format.name) else None,
            replace=read_bool("replace", self.replace),
            submission=submission,
            submitted=self._submitted(),
            warn=read_choice("on_mismatch", self.on_mismatch, ("fail", "warn")) == "warn",
            spool_dir=self.spool_dir or None,
            connections=read_count("connections", self.connections, least=1, most=_MOST_CONNECTIONS),
        )

    def _reads_table(self, output_format: str) -> bool:
        reads_table = read_choice("check", self.check, ("table", "archive")) == "table"
        if not reads_table and output_format != "zip":
            raise EkycSettingsError(
                "check='archive' lands the archive as it was delivered, so output_format must be 'zip'. No request was "
                "sent."
            )
        return reads_table

    def _columns(self, task_type: str) -> ColumnNames:
        from airflow_provider_ekyc.results.table.header import ColumnNames

        return ColumnNames(
            number=_optional("number_column", self.number_column),
            answer=_optional("result_column", self.result_column),
            task_type=task_type,
        )

    def _submission(self, context: Context, ekyc_task_id: str) -> Submission | None:
        from airflow_provider_ekyc.transfers.submissions import find_submission, read_submission

        if self.submission in (None, "", "None", "null"):
            return find_submission(self, context, ekyc_task_id)
        return read_submission(self.submission, ekyc_task_id)

    def _submitted(self) -> SubmittedInput | None:
        from airflow_provider_ekyc.numbers.address import read_numbers
        from airflow_provider_ekyc.results.compare.submitted_input import SubmittedInput

        if self.numbers in (None, "", "None"):
            return None
        return SubmittedInput(read_numbers(self.numbers), self.aws_conn_id, self.numbers_conn_id or None)

    def _places(self) -> Places:
        from airflow_provider_ekyc.transfers.places import read_places

        unmatched_key = _optional("unmatched_key", self.unmatched_key)
        if unmatched_key is not None and self.numbers in (None, "", "None"):
            raise EkycSettingsError(
                "unmatched_key needs numbers, the input that was sent: only with it is it known which numbers are not "
                "in the result. No request was sent."
            )
        return read_places(self.s3_key, self.s3_bucket, unmatched_key, self.aws_conn_id)


def _optional(name: str, value: object) -> str | None:
    """Return text, or None where there is none; a template that found nothing gives ``""`` or ``"None"``."""
    return None if value in (None, "", "None") else read_text(name, value)
