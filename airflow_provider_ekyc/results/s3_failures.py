"""What a failure of S3 means for a result that is to land: whether a retry may help, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.redaction import redact

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

#: S3's refusals (4xx) that may pass by themselves; any other needs somebody to change something.
_MAY_PASS = frozenset(
    {
        "409",
        "412",
        "BadDigest",
        "ConditionalRequestConflict",
        "ExpiredToken",
        "IncompleteBody",
        "OperationAborted",
        "PreconditionFailed",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TokenRefreshRequired",
        "TooManyRequests",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)

#: What botocore quotes of an argument that it does not take, up to what it says of it.
_VALUE = re.compile(r", value: .*(?=, (?:type: <class|valid (?:types|min|max|range)))")

_KEPT = "The result was not landed; the submission stays paid."


def code_of(error: ClientError) -> str:
    """Return S3's code, such as ``NoSuchBucket``; a HEAD has no body, so there it is the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status, or 0."""
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


def classify_refusal(doing: str, error: ClientError) -> EkycError:
    """
    Say what an error answer of S3 means.

    :param doing: what was asked, such as ``take s3://bucket/key``
    """
    answer = f"S3 did not {doing} ({error.operation_name}: {redact(code_of(error))}, {status_of(error)})."
    if status_of(error) == 501 and error.operation_name == "PutObject":
        return EkycSettingsError(
            f"{answer} {_KEPT} A retry can't help: this store lacks something. Without replace a put asks for "
            f"If-None-Match, which not every store knows: set replace=True, or correct s3_extra_args; then clear this "
            f"task, which asks for the result again."
        )
    if status_of(error) >= 500 or status_of(error) == 429 or code_of(error) in _MAY_PASS:
        return EkycLandingError(f"{answer} {_KEPT} A retry may help; it asks for the result again.")
    return EkycSettingsError(
        f"{answer} {_KEPT} A retry can't help. Check the bucket, the AWS connection and its rights, and s3_extra_args; "
        f"then clear this task, which asks for the result again."
    )


def classify_failure(doing: str, error: BotoCoreError) -> EkycError:
    """
    Say what an error of the S3 client means, where no answer came.

    :param doing: as in :func:`classify_refusal`
    """
    from botocore.exceptions import ParamValidationError

    name = type(error).__name__
    if isinstance(error, ParamValidationError):
        return unusable_arguments(error)
    return unsettled(doing, name)


def unsettled(doing: str, why: str) -> EkycLandingError:
    """Say that it is not known whether S3 did what it was asked."""
    return EkycLandingError(
        f"S3 did not {doing}, or its answer was lost ({redact(why)}). The submission stays paid. A retry looks first, "
        f"and lands nothing twice; check endpoint and credentials of the AWS connection."
    )


def unusable_arguments(error: BotoCoreError) -> EkycSettingsError:
    """Say that the S3 client itself does not take what it was given; a value may be a secret, and is left out."""
    problem = redact(_VALUE.sub("", str(error)).partition(", value: ")[0])
    return EkycSettingsError(
        f"The S3 client does not accept what it was asked: {problem} {_KEPT} A retry can't help. Correct "
        f"s3_bucket, s3_key or s3_extra_args, then clear this task."
    )
