"""Ask S3 what is at a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.s3.errors import code_of, status_of
from airflow_provider_ekyc.s3.failures import classify_failure, classify_refusal
from airflow_provider_ekyc.s3.result_object import Place

_ABSENT = frozenset({"NoSuchKey", "NotFound", "404"})
#: Arguments of ``PutObject`` that reading the object needs as well.
_ALSO_TO_READ = frozenset(
    {"ExpectedBucketOwner", "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"}
)


def reading_arguments(extra_args: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arguments of ``PutObject`` that reading the object needs as well."""
    return {name: extra_args[name] for name in _ALSO_TO_READ.intersection(extra_args)}


def head(client: Any, place: Place, extra_args: Mapping[str, Any]) -> dict[str, Any] | None:
    """
    Return S3's answer to a HEAD.

    :param client: boto3's S3 client
    :param extra_args: arguments of ``PutObject``
    :return: ``{}`` if this connection may not read the key, None if there is no object
    :raises EkycLandingError: if S3 gave no answer; a retry may help
    :raises EkycSettingsError: if there is no such bucket, or no such user
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return dict(client.head_object(Bucket=place.bucket, Key=place.key, **reading_arguments(extra_args)))
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return None
        if code_of(error) == "403":
            return {}
        if status_of(error) < 500:
            check_bucket(client, place)
        raise classify_refusal(f"say what is at {place.uri}", error) from None
    except BotoCoreError as error:
        raise classify_failure(f"say what is at {place.uri}", error) from None


def check_bucket(client: Any, place: Place) -> bool:
    """
    Ask what a HEAD can't say, since it has no body: whether there is such a bucket, and such a user.

    :return: whether the key is listed
    :raises EkycSettingsError: if there is no such bucket, or no such user
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        listed = client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1).get("Contents", [])
    except ClientError as error:
        # Who may write need not be allowed to list.
        if code_of(error) != "AccessDenied" or error.operation_name != "ListObjectsV2":
            raise classify_refusal(f"list bucket {place.bucket}", error) from None
        return False
    except BotoCoreError as error:
        raise classify_failure(f"list bucket {place.bucket}", error) from None
    return any(found["Key"] == place.key for found in listed)
