"""A journal's objects in S3."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow_provider_ekyc.exceptions import EkycJournalError

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})


class S3Store:
    """
    Objects below a prefix of a bucket.

    :param aws_conn_id: Airflow connection to reach it with
    """

    def __init__(self, bucket: str, prefix: str, aws_conn_id: str | None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._aws_conn_id = aws_conn_id

    def address(self, key: str) -> str:
        """Return the object's ``s3://`` address."""
        return f"s3://{self._bucket}/{self._full(key)}"

    def read(self, key: str) -> bytes | None:
        """Return the object, or None if S3 says that there is none."""
        code, body = self._call("get_object", key)
        if body is not None:
            return bytes(body)
        if code in _ABSENT:
            return None
        raise self._unusable(key, code)

    def write(self, key: str, body: bytes, *, only_new: bool) -> bool:
        """
        Write the object.

        botocore repeats a put whose answer was lost; if the first did arrive, the second is refused. So a refusal
        is a refusal only if what lies there is not what was written.
        """
        condition = {"IfNoneMatch": "*"} if only_new else {}
        code, answer = self._call("put_object", key, Body=body, ContentType="application/json", **condition)
        if answer is not None:
            return True
        if only_new and code in _TAKEN:
            return self.read(key) == body
        raise self._unusable(key, code)

    def delete(self, key: str) -> None:
        """Delete the object, if it is there."""
        code, answer = self._call("delete_object", key)
        if answer is None and code not in _ABSENT:
            raise self._unusable(key, code)

    def _call(self, name: str, key: str, **arguments: Any) -> tuple[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self._client, name)(Bucket=self._bucket, Key=self._full(key), **arguments)
            return "", answer["Body"].read() if "Body" in answer else answer
        except ClientError as error:
            return str(error.response.get("Error", {}).get("Code", "")), None
        except BotoCoreError as error:
            return type(error).__name__, None

    @cached_property
    def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id=self._aws_conn_id).get_conn()

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _unusable(self, key: str, code: str) -> EkycJournalError:
        return EkycJournalError(
            f"The journal's object {self.address(key)} can't be used ({code}), so it is not known whether this was "
            f"submitted before. It needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket (without which "
            f"S3 does not say that an object is absent).",
            retryable=True,
        )
