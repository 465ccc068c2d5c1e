"""Records as objects in S3."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.s3.errors import S3Problem, code_of, explain

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})
_SUFFIX = ".json"
#: Without s3:ListBucket S3 answers 403, not 404, for an object that is absent.
_PERMISSIONS = {
    "get_object": "s3:GetObject and s3:ListBucket",
    "put_object": "s3:PutObject",
    "list_objects_v2": "s3:ListBucket",
}


class S3Store:
    """
    Objects below a prefix of a bucket.

    A write is conditional: ``If-None-Match: *`` for a new object, ``If-Match`` for one that was read. A store that
    ignores the condition is noticed with the first write of each try, and refused.

    :param prefix: of this task's run, without a slash at its end
    :param aws_conn_id: Airflow connection to reach it with
    """

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
        code, answer = self._call("get_object", name, allowed=_ABSENT)
        if code in _ABSENT:
            return None
        body: bytes = answer["Body"]
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
        # An object that was read and is gone answers 404 to If-Match.
        refused = _TAKEN if replacing is None else _TAKEN | _ABSENT
        put = {"Body": body, "ContentType": "application/json"}
        code, _ = self._call("put_object", name, allowed=refused, **put, **condition)
        if code in refused:
            return self.read(name) == body
        if not self._conditions_hold:
            self._require_conditions(name, put)
        return True

    def names(self, prefix: str) -> list[str] | None:
        """Return the names of the objects."""
        names: list[str] = []
        more: dict[str, Any] = {}
        while True:
            _, answer = self._call("list_objects_v2", None, Prefix=self._key(prefix)[: -len(_SUFFIX)], **more)
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

    def _require_conditions(self, name: str, put: dict[str, Any]) -> None:
        """
        Write an object once more on conditions that don't hold: S3 refuses both.

        :raises EkycJournalError: if the store does not
        """
        for word, condition in (("If-None-Match", {"IfNoneMatch": "*"}), ("If-Match", {"IfMatch": f'"{"0" * 32}"'})):
            code, _ = self._call("put_object", name, allowed=_TAKEN, **put, **condition)
            if code not in _TAKEN:
                raise EkycJournalError(
                    f"The store of {self.address(name)} ignores {word}, so two tries at once could both submit. "
                    f"Nothing was sent. Set a journal_uri in a store that supports conditional writes, or none: then "
                    f"Airflow Variables are used. A retry can't help."
                )
        self._conditions_hold = True

    def _call(
        self, operation: str, name: str | None, *, allowed: frozenset[str] = frozenset(), **arguments: Any
    ) -> tuple[str, Any]:
        """
        Call S3.

        :param allowed: codes of refusals that are an answer here
        :return: such a code, or "" and what S3 answered, its body read
        :raises EkycJournalError: upon any other error
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if name is not None:
            arguments["Key"] = self._key(name)
        try:
            answer = getattr(self._client, operation)(Bucket=self._bucket, **arguments)
            return "", {**answer, "Body": answer["Body"].read()} if "Body" in answer else answer
        except ClientError as error:
            if code_of(error) in allowed:
                return code_of(error), None
            problem = explain(error, _PERMISSIONS[operation])
        except BotoCoreError as error:
            problem = explain(error, _PERMISSIONS[operation])
        raise self._unusable(name or "", problem)

    @cached_property
    def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_ekyc.s3.client import s3_client

        return s3_client(S3Hook(aws_conn_id=self._aws_conn_id), "Nothing was sent.")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}{_SUFFIX}"

    def _unusable(self, name: str, problem: S3Problem) -> EkycJournalError:
        then = "A retry looks again." if problem.retryable else "A retry can't help; then clear this task."
        return EkycJournalError(
            f"{problem.advice} The journal's object {self.address(name)} can't be used ({problem.shown}), so it is not "
            f"known whether this list was submitted before. Nothing was sent. {then}",
            retryable=problem.retryable,
        )
