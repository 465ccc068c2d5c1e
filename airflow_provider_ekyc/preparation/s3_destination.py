"""Prepared files as objects in S3."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

from airflow_provider_ekyc.exceptions import EkycDestinationError, EkycSettingsError
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED, check_size, not_known, not_written
from airflow_provider_ekyc.s3.body import FileBody
from airflow_provider_ekyc.s3.client import s3_client
from airflow_provider_ekyc.s3.errors import S3CallError, S3Problem, explained
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.s3.multipart import MultipartUpload, connections_of, split
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.s3.put_arguments import check_arguments
from airflow_provider_ekyc.s3.target import SINGLE_PUT
from airflow_provider_ekyc.spool import Spool

#: Without s3:ListBucket S3 answers 403, not 404, for an object that is absent.
_TO_READ = "s3:GetObject and s3:ListBucket"
_CONNECTIONS = 8


class S3Destination:
    """
    Objects below a prefix of a bucket. Each becomes visible at once, or never.

    :param directory: the address as it was given, without a slash at its end; it may name a connection
    :param prefix: the same within the bucket, with a slash at its end; empty for the bucket itself
    :param aws_conn_id: Airflow connection
    :param extra_args: arguments of ``PutObject``
    """

    def __init__(
        self, directory: str, bucket: str, prefix: str, aws_conn_id: str | None, extra_args: Mapping[str, Any]
    ) -> None:
        self._directory, self._bucket, self._prefix = directory, bucket, prefix
        self._aws_conn_id = aws_conn_id
        self._extra_args = extra_args

    def uri(self, name: str) -> str:
        """Return the object's address; with the connection, if the destination names one."""
        return f"{self._directory}/{name}"

    def prepare(self) -> None:
        """Check the arguments of ``PutObject``, and sign the connection in."""
        check_arguments(self._object("x"), _refused_arguments)

    def read(self, name: str) -> bytes | None:
        """Return the object, None if S3 says that there is none."""
        try:
            answer = self._object(name).call("GetObject", permission=_TO_READ)
            with explained("GetObject", _TO_READ):
                body: bytes = answer["Body"].read()
        except S3CallError as error:
            if error.problem.is_absent:
                return None
            raise self._not_known(name, error.problem) from None
        return body

    def size(self, name: str) -> int | None:
        """Return the bytes of the object, None if S3 says that there is none."""
        try:
            return int(self._object(name).call("HeadObject", permission=_TO_READ)["ContentLength"])
        except S3CallError as error:
            if error.problem.is_absent:
                return None
            raise self._not_known(name, error.problem) from None

    def write(self, name: str, file: Spool, sums: FileSums, content_type: str) -> None:
        """Put the object, in parts if it is large; S3 compares the SHA-256 of what arrives."""
        target, arguments = self._object(name), {"ContentType": content_type, **self._extra_args}
        try:
            if sums.size <= SINGLE_PUT:
                checksum = base64.b64encode(bytes.fromhex(sums.sha256)).decode()
                body = FileBody(file, 0, sums.size)
                target.call("PutObject", **arguments, Body=body, ChecksumSHA256=checksum)
            else:
                is_there = partial(self._is_there, name, sums.size)
                with (
                    connections_of(target.client, _CONNECTIONS) as pool,
                    MultipartUpload(target, arguments, file, split(sums), pool, is_there) as upload,
                ):
                    upload.send()
                    upload.complete({})
        except S3CallError as error:
            problem = error.problem
            raise not_written(target.uri, problem.shown, problem.advice, retryable=problem.retryable) from None
        check_size(target.uri, self.size(name), sums.size)

    def create(self, name: str, body: bytes) -> bool:
        """Put the object if there is none. It is looked first, for a store that ignores the condition or refuses it."""
        if self.size(name) is not None:
            return False
        target = self._object(name)
        arguments = {"ContentType": "application/json", **self._extra_args, "Body": body}
        try:
            try:
                target.call("PutObject", **arguments, IfNoneMatch="*")
            except S3CallError as error:
                if error.problem.status != 501:
                    raise
                target.call("PutObject", **arguments)
        except S3CallError as error:
            problem = error.problem
            if problem.is_taken:
                return False
            raise not_written(target.uri, problem.shown, problem.advice, retryable=problem.retryable) from None
        check_size(target.uri, self.size(name), len(body))
        return True

    def _is_there(self, name: str, size: int) -> bool:
        try:
            return self.size(name) == size
        except EkycDestinationError:
            return False

    def _object(self, name: str) -> S3Object:
        return S3Object(self._bucket, f"{self._prefix}{name}", self._client, self._extra_args)

    @cached_property
    def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return s3_client(S3Hook(aws_conn_id=self._aws_conn_id), NOTHING_CHARGED)

    def _not_known(self, name: str, problem: S3Problem) -> EkycDestinationError:
        return not_known(self._object(name).uri, problem.shown, problem.advice, retryable=problem.retryable)


def _refused_arguments(problem: S3Problem) -> EkycSettingsError:
    return EkycSettingsError(
        f"The S3 client does not accept its arguments: {problem.arguments or problem.shown} {NOTHING_CHARGED} A retry "
        f"can't help. Correct destination_uri or s3_extra_args, then clear this task."
    )
