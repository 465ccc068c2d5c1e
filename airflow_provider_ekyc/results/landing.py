"""
Make a checked result visible in S3, whole or not at all, and recognise it again.

One ``PutObject`` shows an object at once or never. Without ``replace`` it carries ``If-None-Match: *``, so
that S3 itself refuses a key that somebody else took in the meantime. An answer that is lost, or a refusal of
our own second try, is settled by looking: the metadata says whose object it is.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any, BinaryIO

from airflow_provider_ekyc.exceptions import EkycError, EkycKeyTakenError
from airflow_provider_ekyc.results.landed import Landed, Place, read_metadata
from airflow_provider_ekyc.results.put_arguments import check_arguments
from airflow_provider_ekyc.results.s3_failures import (
    classify_failure,
    classify_refusal,
    unsettled,
)
from airflow_provider_ekyc.s3_errors import code_of, status_of

log = logging.getLogger(__name__)

#: S3's codes for a key that exists, or is being written by another right now, under ``If-None-Match``.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "NotFound", "404"})
#: Arguments of ``PutObject`` that a look at the object needs as well.
_ALSO_TO_LOOK = frozenset(
    {"ExpectedBucketOwner", "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"}
)


def find_landed(
    client: Any,
    place: Place,
    ekyc_task_id: str,
    output_format: str,
    *,
    replace: bool,
    extra_args: Mapping[str, Any] | None = None,
) -> Landed | None:
    """
    Look at the key before anything is asked or downloaded.

    :param client: boto3's S3 client
    :param output_format: of the object that is looked for
    :param replace: whether another object there may be overwritten
    :param extra_args: as in :func:`land`; checked here, where a mistake has cost nothing yet
    :return: what an earlier try has landed, or None if the key is free (or may be overwritten)
    :raises EkycKeyTakenError: if something else lies there; it says what
    :raises EkycSettingsError: if S3 will not take an object there
    """
    check_arguments(client, place, extra_args or {})
    found = _look(client, place, extra_args or {})
    if not found:
        is_listed = _check_bucket(client, place)
        if found is not None and is_listed and not replace:
            raise _hidden(place)
        return None
    landed = read_metadata(place, found)
    if landed is not None and _is_result_of(landed, ekyc_task_id, output_format):
        return landed
    if replace:
        return None
    raise _taken(place, found, landed)


def land(
    client: Any,
    place: Place,
    file: BinaryIO,
    landed: Landed,
    *,
    content_type: str,
    replace: bool,
    extra_args: Mapping[str, Any],
) -> Landed:
    """
    Put the object at its key.

    :param client: boto3's S3 client
    :param file: what was checked, or made of it
    :param content_type: its media type, unless ``extra_args`` has one
    :param landed: what to remember in the object's metadata
    :param replace: overwrite what lies there
    :param extra_args: further arguments of ``put_object`` (encryption, ACL, storage class, tags)
    :return: what lies there now: ``landed``, or what another try of the same remote task has landed meanwhile
    :raises EkycKeyTakenError: if somebody else took the key in the meantime
    :raises EkycLandingError: if S3 did not take it; a retry may help
    :raises EkycSettingsError: if S3 will not take it
    """
    from botocore.exceptions import BotoCoreError, ClientError

    arguments = {
        "ContentType": content_type,
        **extra_args,
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(landed.sha256)).decode(),
        "Metadata": {**(extra_args.get("Metadata") or {}), **landed.metadata()},
    }
    if not replace:
        arguments["IfNoneMatch"] = "*"
    file.seek(0)
    client.meta.events.register("before-call.s3.PutObject", _name_checksum, unique_id="ekyc-name-checksum")
    try:
        answer = client.put_object(Bucket=place.bucket, Key=place.key, Body=file, **arguments)
    except ClientError as error:
        failure: EkycError = classify_refusal(f"take {place.uri}", error)
        why, is_taken = f"{code_of(error)}, {status_of(error)}", code_of(error) in _TAKEN
        if not is_taken and status_of(error) < 500:
            raise failure from None
    except BotoCoreError as error:
        failure = classify_failure(f"take {place.uri}", error)
        why, is_taken = type(error).__name__, False
        if not failure.retryable:
            raise failure from None
    else:
        if "ETag" in answer:
            return landed
        # A proxy's page is a success as well.
        why, is_taken = "the answer is not one of S3", False
        failure = unsettled(f"take {place.uri}", why)
    try:
        found = _look(client, place, extra_args)
    except EkycError:
        if not failure.retryable:
            raise failure from None
        raise unsettled(f"take {place.uri}", why) from None
    return _settle(place, found, landed, failure, is_taken)


def _name_checksum(context: dict[str, Any], **_: Any) -> None:
    """
    Tell botocore which header has the body's checksum.

    Over https it signs that header instead of the body (``S3SigV4Auth``), but only looks for a checksum that it made
    itself; of ours it knows nothing, and reads the whole body once more.
    """
    context["checksum"] = {
        "request_algorithm": {"algorithm": "sha256", "in": "header", "name": "x-amz-checksum-sha256"}
    }


def _settle(
    place: Place, found: Mapping[str, Any] | None, landed: Landed, failure: EkycError, is_taken: bool
) -> Landed:
    """Tell from what lies there whether the object was taken, after an answer that leaves it open."""
    there = read_metadata(place, found) if found else None
    if there is not None and _is_result_of(there, landed.ekyc_task_id, landed.output_format):
        if there.sha256 == landed.sha256:
            log.info("S3's answer left it open whether %s was taken; it is there, whole, and it is ours.", place.uri)
            return landed
        if is_taken:
            log.info("%s is there already: another try of this remote task has landed it meanwhile.", place.uri)
            return there
    if found is not None and is_taken:
        raise _taken(place, found, there) if found else _hidden(place)
    raise failure


def _is_result_of(landed: Landed, ekyc_task_id: str, output_format: str) -> bool:
    return (landed.ekyc_task_id, landed.output_format) == (ekyc_task_id, output_format)


def _check_bucket(client: Any, place: Place) -> bool:
    """
    Ask what a HEAD can't tell, since it has no body: whether there is such a bucket, and such a user.

    :return: whether the key is listed
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


def _look(client: Any, place: Place, extra_args: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what lies at the key, ``{}`` if this connection may not see it, or None if nothing does."""
    from botocore.exceptions import BotoCoreError, ClientError

    arguments = {name: extra_args[name] for name in _ALSO_TO_LOOK.intersection(extra_args)}
    try:
        return dict(client.head_object(Bucket=place.bucket, Key=place.key, **arguments))
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return None
        if code_of(error) == "403":
            # So S3 answers for a key that is absent, too, when the connection may not list the bucket.
            log.warning("S3 does not let us look at %s (403); going on.", place.uri)
            return {}
        if status_of(error) < 500:
            _check_bucket(client, place)
        raise classify_refusal(f"say what lies at {place.uri}", error) from None
    except BotoCoreError as error:
        raise classify_failure(f"say what lies at {place.uri}", error) from None


def _taken(place: Place, found: Mapping[str, Any], landed: Landed | None) -> EkycKeyTakenError:
    whose = (
        f"{landed.shown} of remote task {landed.ekyc_task_id}" if landed else "an object that is not a result of eKYC"
    )
    when = found.get("LastModified")
    written = f", written {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
    return EkycKeyTakenError(
        f"At {place.uri} lies {whose} ({found.get('ContentLength', 0):,} bytes{written}). It was not touched. Use "
        f"another key (a template such as {{{{ ds }}}} or {{{{ ti.map_index }}}} keeps runs apart), or set "
        f"replace=True; then clear this task. The submission is not paid again."
    )


def _hidden(place: Place) -> EkycKeyTakenError:
    return EkycKeyTakenError(
        f"Something lies at {place.uri}, and the AWS connection may not look at it, so that nobody can tell whose it "
        f"is. It was not touched. Let the connection read it (s3:GetObject), use another key, or set replace=True; "
        f"then clear this task. The submission is not paid again."
    )
