"""Whether an object is still what its metadata says: its size, and the SHA-256 of its bytes."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.s3.errors import code_of, status_of
from airflow_provider_ekyc.s3.failures import classify_failure, classify_refusal
from airflow_provider_ekyc.s3.object_head import reading_arguments
from airflow_provider_ekyc.s3.result_object import Landed, Place

log = logging.getLogger(__name__)

#: Bytes of an object that are read again, where the store keeps no SHA-256 of it. 10,000,000 rows are 60 MB of zip and
#: 180 MB of csv.
READ_LIMIT = 1024**3

_BLOCK = 1024 * 1024


def difference(
    client: Any, place: Place, found: Mapping[str, Any], landed: Landed, extra_args: Mapping[str, Any]
) -> str | None:
    """
    Compare an object with its own metadata.

    Sizes are compared first, then the SHA-256 that the store keeps: S3 works it out itself when the object is written.
    A store that keeps none has the object read once more, up to ``READ_LIMIT``. Above that, or where the connection may
    not read it, the log says that only the size was compared.

    :param client: boto3's S3 client
    :param found: S3's answer to a HEAD
    :param landed: what the metadata says
    :param extra_args: arguments of ``PutObject``
    :return: how they differ, in words that follow "it"; None if they agree
    :raises EkycLandingError: if the object can't be read just now; a retry may help
    """
    length = int(found["ContentLength"])
    if length != landed.size:
        return f"has {length:,} bytes instead of {landed.size:,}"
    sha256 = _kept_sha256(client, place, extra_args) or _read_sha256(client, place, length, extra_args)
    if sha256 is None or sha256 == landed.sha256:
        return None
    return f"has as many bytes as before ({length:,}), but another SHA-256"


def _kept_sha256(client: Any, place: Place, extra_args: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 that the store keeps of the whole object, None if it has none or does not show it."""
    from botocore.exceptions import BotoCoreError, ClientError

    arguments = {"Bucket": place.bucket, "Key": place.key, **reading_arguments(extra_args)}
    try:
        answer = client.head_object(**arguments, ChecksumMode="ENABLED")
    except (BotoCoreError, ClientError):
        return None  # of an object under another key of KMS it takes kms:Decrypt, which a HEAD does not
    try:
        digest = base64.b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except ValueError:
        return None  # of several parts: a checksum of checksums
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _read_sha256(client: Any, place: Place, length: int, extra_args: Mapping[str, Any]) -> str | None:
    from botocore.exceptions import BotoCoreError, ClientError

    if length > READ_LIMIT:
        why = f"it has more than {READ_LIMIT:,} bytes"
    else:
        digest = hashlib.sha256()
        try:
            answer = client.get_object(Bucket=place.bucket, Key=place.key, **reading_arguments(extra_args))
            for block in answer["Body"].iter_chunks(_BLOCK):
                digest.update(block)
        except ClientError as error:
            if status_of(error) >= 500:
                raise classify_refusal(f"give {place.uri}", error) from None
            why = f"S3 refuses to give it ({code_of(error)})"
        except BotoCoreError as error:
            raise classify_failure(f"give {place.uri}", error) from None
        else:
            return digest.hexdigest()
    log.warning(
        "The store keeps no SHA-256 of %s that could be compared, and %s: only its size was compared.", place.uri, why
    )
    return None
