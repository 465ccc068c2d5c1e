"""Whether an object is still what its metadata says: its size, and the SHA-256 of its bytes."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.s3.errors import S3CallError, explained
from airflow_provider_ekyc.s3.failures import landing_error
from airflow_provider_ekyc.s3.multipart import PARTS_SHA256
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.s3.result_object import Landed

log = logging.getLogger(__name__)

#: Bytes of an object that are read again, where the store keeps no SHA-256 of it. 10,000,000 rows are 60 MB of zip and
#: 180 MB of csv.
READ_LIMIT = 1024**3

_BLOCK = 1024 * 1024


def difference(target: S3Object, found: Mapping[str, Any], landed: Landed) -> str | None:
    """
    Compare an object with its own metadata.

    Sizes are compared first, then the SHA-256 that the store keeps, of the object or of its parts: S3 works it out
    itself when the object is written. A store that keeps none, or that of other parts, has the object read once more,
    up to ``READ_LIMIT``. Above that, or without permission to read it, the log says that only the size was
    compared.

    :param found: S3's answer to a HEAD, with the checksum that it keeps
    :param landed: what the metadata says
    :return: how they differ, in words that follow "it"; None if they agree
    :raises EkycLandingError: if the object can't be read just now; a retry may help
    """
    length = int(found["ContentLength"])
    if length != landed.size:
        return f"has {length:,} bytes instead of {landed.size:,}"
    kept, expected = found.get("ChecksumSHA256", ""), found.get("Metadata", {}).get(PARTS_SHA256, "")
    if expected and kept == expected:
        return None
    if length > READ_LIMIT and "-" in kept and kept.partition("-")[2] == expected.partition("-")[2]:
        return f"has as many bytes as before ({length:,}) in as many parts, but another SHA-256"
    sha256 = _kept_sha256(found) or _read_sha256(target, length)
    if sha256 is None or sha256 == landed.sha256:
        return None
    return f"has as many bytes as before ({length:,}), but another SHA-256"


def _kept_sha256(found: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 that the store keeps of the whole object, None if it has none or does not show it."""
    try:
        digest = base64.b64decode(found.get("ChecksumSHA256", ""), validate=True)
    except ValueError:
        return None  # of several parts: a checksum of checksums
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _read_sha256(target: S3Object, length: int) -> str | None:
    if length > READ_LIMIT:
        why = f"it has more than {READ_LIMIT:,} bytes"
    else:
        digest = hashlib.sha256()
        target.client.meta.events.register(
            "before-call.s3.GetObject", _ask_for_no_checksum, unique_id="ekyc-ask-for-no-checksum"
        )
        try:
            answer = target.call("GetObject")
            with explained("GetObject"):
                for block in answer["Body"].iter_chunks(_BLOCK):
                    digest.update(block)
        except S3CallError as error:
            if not error.problem.is_refused:
                raise landing_error(f"return {target.uri}", error.problem) from None
            why = f"S3 does not return it ({error.problem.code})"
        else:
            return digest.hexdigest()
    log.warning(
        "The store keeps no SHA-256 of %s that could be compared, and %s: only its size was compared.", target.uri, why
    )
    return None


def _ask_for_no_checksum(params: dict[str, Any], **_: Any) -> None:
    """Have botocore ask for no checksum, which it does by default: Backblaze B2 refuses that."""
    params["headers"].pop("x-amz-checksum-mode", None)
