"""
Make a checked result visible in S3, whole or not at all, and recognise it again.

One ``PutObject`` shows an object at once or never. Without ``replace`` it carries ``If-None-Match: *``, so
that S3 itself refuses a key that somebody else has written to in the meantime. Not every store that speaks S3 knows
this condition, and one that ignores it does not say so. Therefore the key is looked at once more before the last
bytes are sent, where breaking off still leaves nothing behind, and once after the store's answer.

An answer that is lost, or a refusal of our own second try, is settled by looking: the metadata says whose object it
is, and its size and SHA-256 whether it is whole.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any, BinaryIO

from airflow_provider_ekyc.exceptions import EkycError, EkycKeyTakenError
from airflow_provider_ekyc.s3.errors import code_of, status_of
from airflow_provider_ekyc.s3.failures import (
    classify_failure,
    classify_refusal,
    unsettled,
)
from airflow_provider_ekyc.s3.object_head import check_bucket, head
from airflow_provider_ekyc.s3.put_arguments import check_arguments
from airflow_provider_ekyc.s3.result_object import Landed, Place, read_metadata
from airflow_provider_ekyc.s3.watched_body import BrokenOff, WatchedBody
from airflow_provider_ekyc.s3.whole_object import difference

log = logging.getLogger(__name__)

#: S3's codes for a key that exists, or is being written by another right now, under ``If-None-Match``.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_PAID = "The submission is already paid for and will not be charged again."


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
    Look at the key before any request to the API.

    :param client: boto3's S3 client
    :param output_format: of the object that is looked for
    :param replace: whether another object there may be overwritten
    :param extra_args: as in :func:`land`; checked here, where a mistake has cost nothing yet
    :return: what an earlier try has landed, and what is still whole; None if the key is free, or may be overwritten
    :raises EkycKeyTakenError: if another object is there, or ours is not what was landed; it says what
    :raises EkycLandingError: if S3 does not say it; a retry may help
    :raises EkycSettingsError: if S3 will not take an object there
    """
    check_arguments(client, place, extra_args or {})
    found = head(client, place, extra_args or {})
    if not found:
        if found is not None:
            # So S3 answers for a key that is absent, too, when the connection may not list the bucket.
            log.warning("S3 does not let us look at %s (403); going on.", place.uri)
        is_listed = check_bucket(client, place)
        if found is not None and is_listed and not replace:
            raise _hidden(place)
        return None
    landed = read_metadata(place, found)
    if landed is None or not _is_result_of(landed, ekyc_task_id, output_format):
        if replace:
            return None
        raise _taken(place, found, landed)
    differs = difference(client, place, found, landed, extra_args or {})
    if differs is None:
        return landed
    if replace:
        log.warning("The object at %s %s: it was changed after it was landed. It is landed again.", place.uri, differs)
        return None
    raise _changed(place, differs, landed)


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
    :param replace: overwrite what is there
    :param extra_args: further arguments of ``put_object`` (encryption, ACL, storage class, tags)
    :return: what is there now: ``landed``, or what another try of the same remote task has landed meanwhile
    :raises EkycKeyTakenError: if somebody else has written to the key in the meantime
    :raises EkycLandingError: if S3 did not accept it; a retry may help
    :raises EkycSettingsError: if S3 will not accept it
    """
    from botocore.exceptions import BotoCoreError, ClientError

    arguments = {
        "ContentType": content_type,
        **extra_args,
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(landed.sha256)).decode(),
        "Metadata": {**(extra_args.get("Metadata") or {}), **landed.metadata()},
    }
    file.seek(0)
    body: BinaryIO | WatchedBody = file
    if not replace:
        arguments["IfNoneMatch"] = "*"
        body = WatchedBody(file, landed.size, lambda: head(client, place, extra_args))
    client.meta.events.register("before-call.s3.PutObject", _name_checksum, unique_id="ekyc-name-checksum")
    try:
        answer = client.put_object(Bucket=place.bucket, Key=place.key, Body=body, **arguments)
    except BrokenOff as broken_off:
        if broken_off.failure is not None:
            raise broken_off.failure from None
        return _settle(client, place, broken_off.found, landed, None, extra_args)
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
            return landed if replace else _look_after(client, place, landed, answer["ETag"], extra_args)
        # A proxy's page is a success as well.
        why, is_taken = "the answer is not one of S3", False
        failure = unsettled(f"take {place.uri}", why)
    try:
        found = head(client, place, extra_args)
        if found is None or not is_taken:
            return _settle(client, place, found or {}, landed, failure, extra_args)
    except EkycError as error:
        if error is failure or not failure.retryable:
            raise failure from None
        raise unsettled(f"take {place.uri}", why) from None
    return _settle(client, place, found, landed, None, extra_args)


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
    client: Any,
    place: Place,
    found: Mapping[str, Any],
    landed: Landed,
    failure: EkycError | None,
    extra_args: Mapping[str, Any],
) -> Landed:
    """
    Decide by what is at the key whether the result has landed, after an answer that leaves it open.

    :param found: S3's answer to a HEAD; ``{}`` if there is nothing, or nothing that may be read
    :param failure: what to raise if it has not; None if the key is certainly taken
    """
    there = read_metadata(place, found) if found else None
    if there is not None and _is_result_of(there, landed.ekyc_task_id, landed.output_format):
        is_same = there.sha256 == landed.sha256
        if is_same or failure is None:
            differs = difference(client, place, found, there, extra_args)
            if differs is None and is_same:
                log.info("S3's answer left open whether it accepted %s; it is there, whole, and it is ours.", place.uri)
                return landed
            if differs is None:
                log.info("%s is there already: another try of this remote task has landed it meanwhile.", place.uri)
                return there
            if failure is None:
                raise _changed(place, differs, there)
    if failure is not None:
        raise failure
    raise _taken(place, found, there) if found else _hidden(place)


def _look_after(client: Any, place: Place, landed: Landed, etag: str, extra_args: Mapping[str, Any]) -> Landed:
    """
    Look whether what S3 has accepted is there, and not what another writer has put over it at the same moment.

    :param etag: of S3's answer to the put
    """
    try:
        found = head(client, place, extra_args)
    except EkycError as error:
        log.warning("S3 has accepted %s; looking at it once more has failed: %s", place.uri, error)
        return landed
    if found is None:
        raise unsettled(f"take {place.uri}", "it accepted the object, and does not have it")
    there = read_metadata(place, found) if found else None
    if not found or found.get("ETag") == etag or (there == landed and there.size == found["ContentLength"]):
        return landed
    return _settle(client, place, found, landed, None, extra_args)


def _is_result_of(landed: Landed, ekyc_task_id: str, output_format: str) -> bool:
    return (landed.ekyc_task_id, landed.output_format) == (ekyc_task_id, output_format)


def _taken(place: Place, found: Mapping[str, Any], landed: Landed | None) -> EkycKeyTakenError:
    whose = (
        f"{landed.shown} of remote task {landed.ekyc_task_id}" if landed else "an object that is not a result of eKYC"
    )
    when = found.get("LastModified")
    written = f", written {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
    return EkycKeyTakenError(
        f"{place.uri} already contains {whose} ({found.get('ContentLength', 0):,} bytes{written}). It was not touched. "
        f"Use another key (a template such as {{{{ ds }}}} or {{{{ ti.map_index }}}} keeps runs apart), or set "
        f"replace=True; then clear this task. {_PAID}"
    )


def _changed(place: Place, differs: str, landed: Landed) -> EkycKeyTakenError:
    return EkycKeyTakenError(
        f"{place.uri} is not what was landed: its metadata says that it is {landed.shown} of remote task "
        f"{landed.ekyc_task_id}, but it {differs}. It was changed afterwards, and was not touched. To land the result "
        f"again, set replace=True, or delete the object; then clear this task. {_PAID}"
    )


def _hidden(place: Place) -> EkycKeyTakenError:
    return EkycKeyTakenError(
        f"An object exists at {place.uri}, but the AWS connection cannot read its metadata (s3:GetObject), so it is "
        f"not known whose it is. It was not touched. Let the connection read it, use another key, or set replace=True; "
        f"then clear this task. {_PAID}"
    )
