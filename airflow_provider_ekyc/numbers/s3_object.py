"""An object in S3, read as it was when it was opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import NOTHING_SENT, S3Address
from airflow_provider_ekyc.numbers.opened_source import OpenedSource, name_of, refuse_change
from airflow_provider_ekyc.s3.client import s3_client
from airflow_provider_ekyc.s3.errors import S3CallError, S3Problem, explain
from airflow_provider_ekyc.s3.object import S3Object


def open_s3_object(address: S3Address, aws_conn_id: str | None) -> OpenedSource:
    """
    Ask for an object.

    :param address: its connection wins over ``aws_conn_id``
    :param aws_conn_id: AWS connection; None uses boto3's own search for credentials
    :raises EkycNumbersError: if there is no such object, or there is no permission to read it
    :raises EkycUnreadableInputError: if S3 does not return it just now
    :raises EkycSignInError: if the AWS connection can't be used, or not now
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.exceptions import BotoCoreError

    conn_id = address.conn_id or aws_conn_id
    client = s3_client(S3Hook(aws_conn_id=conn_id), NOTHING_SENT)
    source = S3Object(address.bucket, address.key, client)
    try:
        answer = source.call("GetObject")
    except S3CallError as error:
        raise _not_returned(address, conn_id, error.problem) from None
    before = _state(answer)

    def check_end(position: int) -> None:
        # AWS itself gives one version of an object to one GET; other stores may overwrite it meanwhile.
        try:
            after: dict[str, object] | None = _state(source.call("HeadObject"))
        except S3CallError as error:
            problem = error.problem
            if not problem.is_absent:
                raise EkycUnreadableInputError(
                    f"{address.shown} was read, but S3 did not say whether it changed meanwhile ({problem.shown}). "
                    f"Nothing was sent; a retry reads it again. {problem.advice}"
                ) from None
            after = None
        refuse_change(address.shown, before, after)

    def failure_of(error: Exception) -> tuple[str, str]:
        if not isinstance(error, BotoCoreError):
            return name_of(error)
        problem = explain(error, "GetObject")
        return problem.shown, problem.advice

    return OpenedSource(answer["Body"], address.shown, answer["ContentLength"], check_end, failure_of)


def _state(answer: Mapping[str, Any]) -> dict[str, object]:
    names = {"ETag": "ETag", "VersionId": "version", "ContentLength": "size", "LastModified": "time"}
    # A proxy that compresses makes an ETag weak.
    return {
        name: value.removeprefix("W/") if isinstance(value, str) else value
        for field, name in names.items()
        if (value := answer.get(field)) is not None
    }


def _not_returned(address: S3Address, conn_id: str | None, problem: S3Problem) -> EkycError:
    if problem.arguments:
        return EkycNumbersError(f"{address.shown} is no valid S3 address. {NOTHING_SENT} Check the bucket.")
    if problem.status == 404:
        missing = "no such bucket" if problem.code == "NoSuchBucket" else "no such object"
        return EkycNumbersError(
            f"{address.shown}: {missing}. {NOTHING_SENT} Check the address, and that the step that writes it has run."
        )
    said = f"S3 did not return {address.shown} to the AWS connection {conn_id!r} ({problem.shown}). {NOTHING_SENT}"
    if problem.retryable:
        return EkycUnreadableInputError(f"{said} A retry reads it again. {problem.advice}")
    # Where the connection may not list the bucket, S3 denies what is absent.
    absent = " S3 also answers this for a missing object if s3:ListBucket is not granted." * problem.is_denied
    return EkycNumbersError(f"{said} A retry can't help. {problem.advice}{absent} Then clear this task.")
