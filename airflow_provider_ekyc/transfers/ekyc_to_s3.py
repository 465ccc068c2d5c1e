"""Transfer of a remote task's results to S3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ekyc.airflow_errors import airflow_errors
from airflow_provider_ekyc.arguments import read_bool, read_choice, read_text
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycNotExportedError,
    EkycSettingsError,
    EkycTaskFailedError,
)
from airflow_provider_ekyc.hooks.ekyc import EkycHook

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.results.landing import Landed, Place


class EkycResultsToS3Operator(BaseOperator):
    """
    Download a remote task's results, check them, and land them in S3: whole, or not at all.

    A fresh result URL is asked for, downloaded without the API key, and checked: a real zip archive, the CRC of
    every member, a readable table, the rows that the task promised. Only then does the object become visible.

    A retry or a clear after a landed result finds it by its metadata: it asks for nothing, downloads nothing and
    lands nothing twice. A key that something else has taken fails the task before the download.

    Returns the S3 URI. A second XCom, ``result``, holds ids and counts: ``ekyc_task_id``, ``s3_uri``, ``rows``,
    ``yes``, ``no``, ``unknown``, ``size`` (bytes), ``sha256``. ``outlets=[Asset(...)]`` gives
    an asset event with the same counts.

    :param ekyc_task_id: the remote task: the return value of ``EkycSubmitOperator``, or a literal id (templated)
    :param s3_key: key of the object, or a whole ``s3://`` address (templated)
    :param s3_bucket: bucket, unless ``s3_key`` is an address (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param aws_conn_id: Airflow connection to write with (templated)
    :param replace: whether to overwrite another object at the key (templated)
    :param encrypt: whether S3 encrypts the object with its own keys, as in ``S3Hook`` (templated)
    :param acl_policy: canned ACL of the object (templated)
    :param s3_extra_args: further arguments of S3's ``PutObject``: ``StorageClass``, ``SSEKMSKeyId``,
        ``Tagging``, ... (templated)
    :param output_format: ``zip``, the archive as delivered (templated)
    :param spool_dir: directory for the nameless spool file, default the system's (templated)
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
        "spool_dir",
    )
    ui_color = "#d8e0f0"

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
        spool_dir: str | None = None,
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
        self.spool_dir = spool_dir

    def execute(self, context: Context) -> str:
        """Land the result and return its S3 URI."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_ekyc.api.protocol import checked_task_id
        from airflow_provider_ekyc.results.landing import find_landed

        with airflow_errors():
            ekyc_task_id = checked_task_id(self.ekyc_task_id)
            read_choice("output_format", self.output_format, ("zip",))
            replace = read_bool("replace", self.replace)
            place = self._place()
            s3 = S3Hook(aws_conn_id=self.aws_conn_id, extra_args=self._extra_args())
            landed = find_landed(s3.get_conn(), place, ekyc_task_id, replace=replace, extra_args=s3.extra_args)
            if landed is not None:
                self.log.info("%s is there already, landed by an earlier try; nothing was downloaded.", place.uri)
            else:
                landed = self._land(s3, place, ekyc_task_id, replace)
        context["ti"].xcom_push(key="result", value=landed.as_dict())
        self._describe_outlets(context, landed)
        return landed.s3_uri

    def _land(self, s3: S3Hook, place: Place, ekyc_task_id: str, replace: bool) -> Landed:
        from airflow_provider_ekyc.results.archive import check_archive
        from airflow_provider_ekyc.results.download import download
        from airflow_provider_ekyc.results.expectation import check_rows
        from airflow_provider_ekyc.results.landing import describe, land
        from airflow_provider_ekyc.spool import spool_file

        hook = EkycHook(self.ekyc_conn_id)
        with spool_file(self.spool_dir or None) as file:
            try:
                task = _exported(hook.get_task(ekyc_task_id))
                urls = [task.result_url or ""]

                def fresh_url() -> str:
                    return urls.pop() if urls else _exported(hook.get_task(ekyc_task_id)).result_url or ""

                brought = download(hook.open_result, fresh_url, file)
            except EkycApiError as error:
                raise _with_cost(error) from None
            self.log.info("Downloaded %s bytes.", f"{brought.size:,}")
            summary = check_archive(file)
            check_rows(summary.rows, task)
            landed = describe(place, ekyc_task_id, brought, summary)
            land(s3.get_conn(), place, file, landed, replace=replace, extra_args=s3.extra_args)
        self.log.info(
            "Landed %s: %s rows (%s yes, %s no, %s unknown), %s bytes, SHA-256 %s.",
            place.uri,
            *(f"{n:,}" for n in (landed.rows, landed.yes, landed.no, landed.unknown, landed.size)),
            landed.sha256,
        )
        return landed

    def _describe_outlets(self, context: Context, landed: Landed) -> None:
        """Give the asset events of the user's outlets the counts; no outlet is added."""
        from airflow.providers.common.compat.sdk import Asset, AssetAlias

        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra.update(landed.as_dict())
            elif isinstance(outlet, AssetAlias):
                context["outlet_events"][outlet].add(Asset(landed.s3_uri), extra=landed.as_dict())

    def _place(self) -> Place:
        from airflow_provider_ekyc.results.landing import Place

        key = read_text("s3_key", self.s3_key)
        if address := re.fullmatch(r"(?i:s3[an]?)://([^/]+)/+(.+)", key):
            if self.s3_bucket:
                raise EkycSettingsError("s3_key is a whole address, so s3_bucket must be empty. Nothing was asked.")
            return Place(address[1], address[2])
        if not self.s3_bucket or re.match(r"[A-Za-z0-9]+://", key):
            raise EkycSettingsError(
                "The result's place is not known: s3_key must be an address (s3://bucket/key), or a key beside "
                "s3_bucket. Nothing was asked."
            )
        return Place(read_text("s3_bucket", self.s3_bucket), key)

    def _extra_args(self) -> dict[str, Any]:
        if not isinstance(self.s3_extra_args, Mapping | None):
            raise EkycSettingsError("s3_extra_args must be a mapping of PutObject's arguments. Nothing was asked.")
        extra = dict(self.s3_extra_args or {})
        if read_bool("encrypt", self.encrypt):
            extra["ServerSideEncryption"] = "AES256"
        if self.acl_policy:
            extra["ACL"] = read_text("acl_policy", self.acl_policy)
        return extra


def _with_cost(error: EkycApiError) -> EkycApiError:
    """Add what a failure of the API, or of the download, means here."""
    again = " A retry asks for the result again." if error.retryable else ""
    return EkycApiError(
        f"{error.message} Nothing was landed; the submission stays paid.{again}",
        status=error.status,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def _exported(task: Task) -> Task:
    """
    Return the task if its results can be downloaded.

    :raises EkycTaskFailedError: if the vendor gave it up
    :raises EkycNotExportedError: if it is not there yet
    """
    from airflow_provider_ekyc.api.models import TaskStatus

    if task.status is TaskStatus.FAILED:
        raise EkycTaskFailedError(
            f"Remote task {task.ekyc_task_id} has failed: it has no results. Nothing was landed; a retry can't help. "
            f"To submit anew, which is charged again, start a new run; or delete this submission's entries from its "
            f"journal (the log of EkycSubmitOperator names them) and clear EkycSubmitOperator."
        )
    if task.status is not TaskStatus.EXPORTED:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is not exported yet ({task.status.value}). Nothing was landed. Put an "
            f"EkycTaskSensor before this task; a retry asks again."
        )
    if not task.result_url:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is exported, but the API named no place of its result. Nothing was "
            f"landed; the submission stays paid. A retry asks again; if it stays so, ask the vendor."
        )
    return task
