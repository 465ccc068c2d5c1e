"""One object in S3: where it is, how it is called, and what S3 says is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ekyc.s3.errors import S3CallError, explained, no_s3_answer
from airflow_provider_ekyc.s3.failures import landing_error

#: What each answer of S3 has, and the page of a proxy has not.
_FIELDS = {
    **dict.fromkeys(("PutObject", "HeadObject", "GetObject", "UploadPart", "CompleteMultipartUpload"), "ETag"),
    "CreateMultipartUpload": "UploadId",
    "ListObjectsV2": "IsTruncated",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an object in S3."""

    bucket: str
    key: str

    @classmethod
    def from_uri(cls, uri: str) -> Place | None:
        """Read an address with the scheme s3, s3a or s3n; return None if it is none."""
        address = re.fullmatch(r"(?i:s3[an]?)://([^/]+)/+(.+)", uri)
        return Place(address[1], address[2]) if address else None

    @property
    def uri(self) -> str:
        """The address as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class S3Object(Place):
    """
    An object in S3, whether or not it exists, as a client sees it.

    :param client: boto3's S3 client
    :param extra_args: further arguments of ``PutObject`` (encryption, ACL, storage class, tags, ...)
    """

    client: Any = field(repr=False)
    extra_args: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def call(self, operation: str, *, permission: str = "", **arguments: Any) -> dict[str, Any]:
        """
        Call S3 about this object.

        :param operation: as S3 names it: ``UploadPart``; it gets those of ``extra_args`` that are among its parameters
        :param permission: the IAM permission that is named if one is missing; by default that of the call
        :param arguments: of this call
        :raises S3CallError: upon any error
        """
        from botocore import xform_name

        accepted = self.client.meta.service_model.operation_model(operation).input_shape.members
        own = {"Bucket": self.bucket, "Key": self.key, **self.extra_args}
        with explained(operation, permission):
            answer: dict[str, Any] = getattr(self.client, xform_name(operation))(
                **{name: value for name, value in own.items() if name in accepted} | arguments
            )
        if _FIELDS.get(operation, "ResponseMetadata") not in answer:
            raise no_s3_answer(operation)
        return answer

    def head(self) -> dict[str, Any] | None:
        """
        Return S3's answer to a HEAD, with the checksum that S3 keeps.

        :return: ``{}`` if this connection has no permission to read the object, None if there is none
        :raises S3CallError: if S3 does not say it
        """
        # The checksum of an object under a key of KMS needs kms:Decrypt, which a plain HEAD does not. Backblaze B2
        # refuses to be asked for one.
        for mode in ({"ChecksumMode": "ENABLED"}, {}):
            try:
                found = self.call("HeadObject", **mode)
            except S3CallError as error:
                if error.problem.is_absent:
                    return None
                if not error.problem.is_denied and not (mode and error.problem.may_lack_checksums):
                    raise
            else:
                # They are headers, whose case is the server's: MinIO answers X-Amz-Meta-Ekyc-Task-Id.
                return found | {"Metadata": {name.lower(): text for name, text in found.get("Metadata", {}).items()}}
        return {}

    def look(self) -> dict[str, Any] | None:
        """
        Return what :meth:`head` does.

        :raises EkycLandingError: if S3 does not say it; a retry may help
        :raises EkycSettingsError: if there is no such bucket, or no such user
        """
        try:
            return self.head()
        except S3CallError as error:
            if error.problem.is_refused:
                self.is_listed()  # which says why
            raise self.not_looked_at(error) from None

    def is_listed(self) -> bool:
        """
        Return whether the bucket lists the key; an answer to a HEAD has no body that could say what is wrong.

        :raises EkycLandingError: if S3 does not say it; a retry may help
        :raises EkycSettingsError: if there is no such bucket, or no such user
        """
        try:
            listed = self._listed(self.key)
        except S3CallError as error:
            # Who may write need not be allowed to list.
            if error.problem.is_denied:
                return False
            raise landing_error(f"list bucket {self.bucket}", error.problem) from None
        return any(found["Key"] == self.key for found in listed.get("Contents", []))

    def _listed(self, prefix: str) -> dict[str, Any]:
        try:
            return self.call("ListObjectsV2", Prefix=prefix, MaxKeys=1)
        except S3CallError as error:
            # A directory bucket (S3 Express One Zone) accepts only a prefix that ends with a slash, and lists in no
            # order. Its answer shows that the bucket exists and may be listed; a put with a condition finds the object.
            folder = prefix[: prefix.rfind("/") + 1]
            if error.problem.code != "InvalidRequest" or prefix == folder:
                raise
            return self._listed(folder)

    def not_looked_at(self, error: S3CallError) -> Exception:
        """Return the error that says that S3 did not say what is at the key."""
        return landing_error(f"return the metadata of {self.uri}", error.problem)
