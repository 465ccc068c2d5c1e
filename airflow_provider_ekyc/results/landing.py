"""
Make a checked archive visible in S3, whole or not at all, and recognise it again.

One ``PutObject`` shows an object at once or never. Without ``replace`` it carries ``If-None-Match: *``, so
that S3 itself refuses a key that somebody else took in the meantime. An answer that is lost, or a refusal of
our own second try, is settled by looking: the metadata says whose object it is.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError
from airflow_provider_ekyc.results.archive import ArchiveSummary
from airflow_provider_ekyc.results.download import Download

log = logging.getLogger(__name__)

#: S3's codes for a key that exists, or is being written by another right now, under ``If-None-Match``.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "NotFound", "404"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result is to lie."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The address as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Landed:
    """
    A result in S3: the second XCom of ``EkycResultsToS3Operator``, in ids and counts alone.

    :param s3_uri: where it lies
    :param size: bytes
    :param sha256: hex digest of the object
    """

    ekyc_task_id: str
    s3_uri: str
    rows: int
    yes: int
    no: int
    unknown: int
    size: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom."""
        return {name: getattr(self, name) for name in self.__slots__}

    def metadata(self) -> dict[str, str]:
        """Return what the object itself carries, so that it is known again."""
        return {
            "ekyc-task-id": self.ekyc_task_id,
            "ekyc-sha256": self.sha256,
            "ekyc-rows": str(self.rows),
            "ekyc-yes": str(self.yes),
            "ekyc-no": str(self.no),
            "ekyc-unknown": str(self.unknown),
        }


def describe(place: Place, ekyc_task_id: str, download: Download, summary: ArchiveSummary) -> Landed:
    """Put together what there is to say of a result."""
    return Landed(
        ekyc_task_id=ekyc_task_id,
        s3_uri=place.uri,
        rows=summary.rows,
        yes=summary.yes,
        no=summary.no,
        unknown=summary.unknown,
        size=download.size,
        sha256=download.sha256,
    )


def find_landed(client: Any, place: Place, ekyc_task_id: str, *, replace: bool) -> Landed | None:
    """
    Look at the key before anything is asked or downloaded.

    :param client: boto3's S3 client
    :param replace: whether another object there may be overwritten
    :return: what an earlier try has landed, or None if the key is free (or may be overwritten)
    :raises EkycKeyTakenError: if something else lies there; it says what
    """
    found = _head(client, place)
    if found is None:
        return None
    landed = _ours(place, found)
    if landed is not None and landed.ekyc_task_id == ekyc_task_id:
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
    replace: bool,
    extra_args: Mapping[str, Any],
) -> None:
    """
    Put the archive at its key.

    :param client: boto3's S3 client
    :param file: the checked archive
    :param landed: what to remember in the object's metadata
    :param replace: overwrite what lies there
    :param extra_args: further arguments of ``put_object`` (encryption, ACL, storage class, tags)
    :raises EkycKeyTakenError: if somebody else took the key in the meantime
    :raises EkycLandingError: if S3 did not take it; a retry may help
    """
    from botocore.exceptions import BotoCoreError, ClientError

    metadata = {**extra_args.get("Metadata", {}), **landed.metadata()}
    arguments = {
        "ContentType": "application/zip",
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(landed.sha256)).decode(),
        **extra_args,
        "Metadata": metadata,
    }
    if not replace:
        arguments["IfNoneMatch"] = "*"
    file.seek(0)
    try:
        client.put_object(Bucket=place.bucket, Key=place.key, Body=file, **arguments)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code not in _TAKEN and not _may_have_arrived(error):
            raise EkycLandingError(
                f"S3 refused to take {place.uri} ({code}). Nothing was landed; the submission stays paid, and a "
                f"retry downloads the result again. Check the rights of the AWS connection."
            ) from None
        _settle(client, place, landed, code)
    except BotoCoreError as error:
        _settle(client, place, landed, type(error).__name__)


def _may_have_arrived(error: Any) -> bool:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500


def _settle(client: Any, place: Place, landed: Landed, reason: str) -> None:
    """Look whether the object is there, after an answer that leaves it open."""
    found = _head(client, place)
    there = _ours(place, found) if found else None
    if there is not None and there.sha256 == landed.sha256 and there.ekyc_task_id == landed.ekyc_task_id:
        log.info("S3's answer left it open (%s); the object is there, whole, and it is ours.", reason)
        return
    if found is not None and reason in _TAKEN:
        raise _taken(place, found, there)
    raise EkycLandingError(
        f"S3 gave no clear answer for {place.uri} ({reason}), and our object is not there. Nothing was landed; the "
        f"submission stays paid, and a retry downloads the result again."
    )


def _head(client: Any, place: Place) -> dict[str, Any] | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return dict(client.head_object(Bucket=place.bucket, Key=place.key))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _ABSENT:
            return None
        if code in ("403", "AccessDenied", "Forbidden"):
            # So S3 answers for a key that is absent, too, when the connection may not list the bucket.
            log.warning("S3 does not let us look at %s (%s); going on.", place.uri, code)
            return None
        raise EkycLandingError(f"S3 did not say what lies at {place.uri} ({code}). A retry may help.") from None
    except BotoCoreError as error:
        raise EkycLandingError(
            f"S3 did not say what lies at {place.uri} ({type(error).__name__}). A retry may help; check endpoint and "
            f"credentials of the AWS connection."
        ) from None


def _ours(place: Place, found: Mapping[str, Any]) -> Landed | None:
    """Read our own metadata, or return None if the object is not ours."""
    metadata = found.get("Metadata", {})
    try:
        return Landed(
            ekyc_task_id=metadata["ekyc-task-id"],
            s3_uri=place.uri,
            rows=int(metadata["ekyc-rows"]),
            yes=int(metadata["ekyc-yes"]),
            no=int(metadata["ekyc-no"]),
            unknown=int(metadata["ekyc-unknown"]),
            size=int(found["ContentLength"]),
            sha256=metadata["ekyc-sha256"],
        )
    except (KeyError, ValueError):
        return None


def _taken(place: Place, found: Mapping[str, Any], landed: Landed | None) -> EkycKeyTakenError:
    whose = f"the result of remote task {landed.ekyc_task_id}" if landed else "an object that is not a result of eKYC"
    when = found.get("LastModified")
    written = f", written {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
    return EkycKeyTakenError(
        f"At {place.uri} lies {whose} ({found.get('ContentLength', 0):,} bytes{written}). It was not touched. Use "
        f"another s3_key (a template such as {{{{ ds }}}} or {{{{ ti.map_index }}}} keeps runs apart), or set "
        f"replace=True; then clear this task. The submission is not paid again."
    )
