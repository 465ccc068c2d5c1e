"""What a failure of S3 means for a result that is to land: whether a retry may help, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.s3.errors import explain, status_of

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

#: What botocore quotes of an argument that it does not take, up to what it says of it.
_VALUE = re.compile(r", value: .*(?=, (?:type: <class|valid (?:types|min|max|range)))")

#: How it writes a type; redact() takes it for HTML.
_CLASS = re.compile(r"<class '([\w.]+)'>")

_PERMISSIONS = {"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket"}

_KEPT = "The result was not landed; the submission is already paid for."


def classify_refusal(doing: str, error: ClientError) -> EkycError:
    """
    Say what an error answer of S3 means.

    :param doing: what was asked, such as ``take s3://bucket/key``
    """
    problem = explain(error, _PERMISSIONS.get(error.operation_name, "s3:PutObject"))
    answer = f"S3 did not {doing} ({problem.shown})."
    if status_of(error) == 501 and error.operation_name == "PutObject":
        return EkycSettingsError(
            f"{answer} {_KEPT} A retry can't help: this store lacks something. Without replace a put asks for "
            f"If-None-Match, which not every store knows: set replace=True, or correct s3_extra_args; then clear this "
            f"task, which asks for the result again."
        )
    if problem.retryable:
        return EkycLandingError(f"{answer} {_KEPT} A retry may help; it asks for the result again. {problem.advice}")
    arguments = " Check s3_extra_args too." if error.operation_name == "PutObject" else ""
    return EkycSettingsError(
        f"{answer} {_KEPT} A retry can't help. {problem.advice}{arguments} Then clear this task, which asks for the "
        f"result again."
    )


def classify_failure(doing: str, error: BotoCoreError) -> EkycError:
    """
    Say what an error of the S3 client means, where no answer came.

    :param doing: as in :func:`classify_refusal`
    """
    from botocore.exceptions import ParamValidationError

    if isinstance(error, ParamValidationError):
        return unusable_arguments(error)
    problem = explain(error, "s3:PutObject")
    if not problem.retryable:
        return EkycSettingsError(
            f"S3 was not asked to {doing} ({problem.shown}). {_KEPT} A retry can't help. {problem.advice} Then clear "
            f"this task, which asks for the result again."
        )
    return unsettled(doing, problem.shown, problem.advice)


def unsettled(doing: str, why: str, advice: str = "Check the endpoint_url of the AWS connection.") -> EkycLandingError:
    """Say that it is not known whether S3 did what it was asked."""
    return EkycLandingError(
        f"S3 did not {doing}, or its answer was lost ({redact(why)}). The submission is already paid for. "
        f"A retry looks first, and lands nothing twice. {advice}"
    )


def unusable_arguments(error: BotoCoreError) -> EkycSettingsError:
    """Say that the S3 client itself does not take what it was given; a value may be a secret, and is left out."""
    problem = redact(_CLASS.sub(r"\1", _VALUE.sub("", str(error)).partition(", value: ")[0]))
    return EkycSettingsError(
        f"The S3 client does not accept what it was asked: {problem} {_KEPT} A retry can't help. Correct "
        f"s3_bucket, s3_key or s3_extra_args, then clear this task."
    )
