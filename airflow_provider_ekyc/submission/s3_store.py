"""Records as objects in S3."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.s3.errors import S3CallError, explained
from airflow_provider_ekyc.s3.object import S3Object

_SUFFIX = ".json"
#: Without s3:ListBucket S3 answers 403, not 404, for an object that is absent.
_TO_READ = "s3:GetObject and s3:ListBucket"


class S3Store:
    """
    Objects below a prefix of a bucket.

    A write is conditional: ``If-None-Match: *`` for a new object, ``If-Match`` for one that was read. A store that
    ignores the condition is noticed with the first write of each try, and refused.

    :param prefix: of this task's run, without a slash at its end
    :param aws_conn_id: Airflow connection to reach it with
    """

    kind: ClassVar[str] = "s3"

    def __init__(self, bucket: str, prefix: str, aws_conn_id: str | None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._aws_conn_id = aws_conn_id
        self._tags: dict[str, tuple[bytes, str]] = {}
        self._conditions_hold = False

    def address(self, name: str) -> str:
        """Return the object's ``s3://`` address."""
        return f"s3://{self._bucket}/{self._key(name)}"

    def read(self, name: str) -> bytes | None:
        """Return the object, or None if S3 says that there is none."""
        try:
            answer = self._object(name).call("GetObject", permission=_TO_READ)
            with explained("GetObject", _TO_READ):
                body: bytes = answer["Body"].read()
        except S3CallError as error:
            if error.problem.is_absent:
                return None
            raise self._unusable(f"object {self.address(name)}", error) from None
        self._tags[name] = (body, str(answer.get("ETag", "")))
        return body

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """
        Write the object.

        botocore repeats a put whose answer was lost; if the first did arrive, the second is refused. So a refusal
        is a refusal only if the object is not what was written.
        """
        if replacing is None:
            condition = {"IfNoneMatch": "*"}
        elif (tag := self._tag_of(name, replacing)) is None:
            return False
        else:
            condition = {"IfMatch": tag}
        if not self._put(name, body, **condition):
            return self.read(name) == body
        if not self._conditions_hold:
            self._require_conditions(name, body)
        return True

    def names(self, prefix: str) -> list[str] | None:
        """Return the names of the objects."""
        names: list[str] = []
        more: dict[str, Any] = {}
        start = f"{self._prefix}/{prefix}"
        while True:
            try:
                answer = self._object("").call("ListObjectsV2", Prefix=start, **more)
            except S3CallError as error:
                raise self._unusable(f"list of objects at s3://{self._bucket}/{start}", error) from None
            keys = [found["Key"] for found in answer.get("Contents", [])]
            names += [key.removeprefix(f"{self._prefix}/").removesuffix(_SUFFIX) for key in keys]
            if not answer.get("IsTruncated"):
                return names
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _tag_of(self, name: str, body: bytes) -> str | None:
        """Return the ETag of the object as it was read, or None if it is something else by now."""
        known = self._tags.get(name)
        if known is None or known[0] != body or not known[1]:
            if self.read(name) != body:
                return None
            known = self._tags[name]
        return known[1]

    def _require_conditions(self, name: str, body: bytes) -> None:
        """
        Write an object once more on conditions that don't hold: S3 refuses both.

        :raises EkycJournalError: if the store does not
        """
        for word, condition in (("If-None-Match", {"IfNoneMatch": "*"}), ("If-Match", {"IfMatch": f'"{"0" * 32}"'})):
            if self._put(name, body, **condition):
                raise EkycJournalError(
                    f"The store of {self.address(name)} ignores {word}, so two tries at once could both submit. "
                    f"Nothing was sent. Set a journal_uri in a store that supports conditional writes, or none: then "
                    f"Airflow Variables are used. A retry can't help."
                )
        self._conditions_hold = True

    def _put(self, name: str, body: bytes, **condition: str) -> bool:
        """Write the object; return False if the condition does not hold."""
        try:
            self._object(name).call("PutObject", Body=body, ContentType="application/json", **condition)
        except S3CallError as error:
            # An object that was read and is gone answers 404 to If-Match.
            if error.problem.is_taken or ("IfMatch" in condition and error.problem.is_absent):
                return False
            raise self._unusable(f"object {self.address(name)}", error) from None
        return True

    def _object(self, name: str) -> S3Object:
        return S3Object(self._bucket, self._key(name), self._client)

    @cached_property
    def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_ekyc.s3.client import s3_client

        return s3_client(S3Hook(aws_conn_id=self._aws_conn_id), "Nothing was sent.")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}{_SUFFIX}"

    def _unusable(self, what: str, error: S3CallError) -> EkycJournalError:
        problem = error.problem
        then = "A retry reads it again." if problem.retryable else "A retry can't help; then clear this task."
        return EkycJournalError(
            f"{problem.advice} The journal's {what} can't be used ({problem.shown}), so it is not known whether this "
            f"list was submitted before. Nothing was sent. {then}",
            retryable=problem.retryable,
        )
