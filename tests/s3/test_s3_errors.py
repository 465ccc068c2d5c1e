"""What to do is said by what went wrong: a wrong key is no missing permission. ``s3/errors.py``, ``s3/advice.py``."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from airflow_provider_ekyc.s3.errors import S3Problem, explain, explain_refusal


def refusal(code: str, status: int, permission: str = "s3:GetObject") -> S3Problem:
    return explain_refusal("GetObject", code, status, permission)


@pytest.mark.parametrize(
    ("code", "status", "advice", "retryable"),
    [
        ("InvalidAccessKeyId", 403, "Correct the access key id of the AWS connection", False),
        ("SignatureDoesNotMatch", 403, "Correct the secret access key of the AWS connection", False),
        ("InvalidToken", 400, "aws_session_token of the AWS connection: it is not valid", False),
        ("ExpiredToken", 400, "The session token has expired", True),
        ("RequestTimeTooSkewed", 403, "Set the clock of the worker", True),
        ("InvalidObjectState", 403, "Restore the object first: it is archived", False),
        ("AccessDenied", 403, "Grant the AWS connection s3:GetObject (and kms:Decrypt", False),
        ("403", 403, "Grant the AWS connection s3:GetObject (and kms:Decrypt", False),
        ("", 403, "Grant the AWS connection s3:GetObject (and kms:Decrypt", False),
        ("KMS.DisabledException", 400, "Make the KMS key of the bucket usable", False),
        ("NoSuchBucket", 404, "Check the bucket: there is none of this name", False),
        ("404", 404, "that the step that writes the object has run", False),
        ("PermanentRedirect", 301, "Set region_name of the AWS connection", False),
        ("AuthorizationHeaderMalformed", 400, "Set region_name of the AWS connection", False),
        ("AllAccessDisabled", 403, "look at the account's billing page", False),
        ("NotImplemented", 501, "This store does not support what was requested", False),
        ("MadeUpAndNew", 501, "This store does not support what was requested", False),
        ("AccessControlListNotSupported", 400, "Leave out acl_policy", False),
        ("MetadataTooLarge", 400, "Use less Metadata in s3_extra_args, or a shorter unmatched_key", False),
        ("XMinioStorageFull", 507, "the store is full", False),
        ("SlowDown", 503, "If the error persists, check the status of the service", True),
        ("MadeUpAndNew", 500, "If the error persists, check the status of the service", True),
        ("MadeUpAndNew", 429, "If the error persists, check the status of the service", True),
        ("MadeUpAndNew", 403, "Check the bucket, and the AWS connection and its permission s3:GetObject", False),
        ("MadeUpAndNew", 400, "Check the bucket, and the AWS connection and its permission s3:GetObject", False),
    ],
)
def test_the_advice_follows_the_code(code: str, status: int, advice: str, retryable: bool) -> None:
    problem = refusal(code, status)
    assert advice in problem.advice
    assert problem.retryable is retryable
    assert problem.shown == f"GetObject: {code or 'no code'}, {status}"


def test_the_permission_is_the_one_that_the_call_needs() -> None:
    assert "s3:PutObject (and kms:GenerateDataKey if" in refusal("AccessDenied", 403, "s3:PutObject").advice
    assert refusal("AccessDenied", 403, "s3:ListBucket").advice == "Grant the AWS connection s3:ListBucket."


def test_a_role_that_may_not_be_assumed_is_no_missing_permission_on_the_object() -> None:
    answer = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    assert explain(ClientError(answer, "AssumeRole"), "GetObject").advice == (  # type: ignore[arg-type]
        "Grant the AWS connection sts:AssumeRole."
    )


def test_a_session_that_a_directory_bucket_refuses_is_no_missing_permission_on_the_object() -> None:
    answer: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    problem = explain(ClientError(answer, "CreateSession"), "ListObjectsV2", "s3:ListBucket")
    assert problem.advice == "Grant the AWS connection s3express:CreateSession."
    assert not problem.is_denied


def test_what_a_code_quotes_is_not_shown() -> None:
    assert "555" not in refusal("+12025550100", 400).shown


@pytest.mark.parametrize(
    ("error", "advice", "retryable"),
    [
        (botocore.exceptions.FlexibleChecksumError(error_msg="made up"), "The bytes changed on their way", True),
        (botocore.exceptions.NoCredentialsError(), "Check that the AWS connection has credentials", True),
        (
            botocore.exceptions.PartialCredentialsError(provider="made up", cred_var="made up"),
            "Check that the AWS connection has credentials",
            False,
        ),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="made up"), "check endpoint_url", True),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="made up"), "check endpoint_url", True),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="made up"), "check endpoint_url", True),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="made up"), "check endpoint_url", True),
        (botocore.exceptions.ParamValidationError(report="made up"), "Correct the bucket and the key", False),
        (botocore.exceptions.NoRegionError(), "Correct region_name", False),
        (botocore.exceptions.InvalidRegionError(region_name="made up"), "Correct region_name", False),
        (
            botocore.exceptions.InvalidRetryModeError(provided_retry_mode="made up", valid_modes="made up"),
            "Correct region_name",
            False,
        ),
        (
            botocore.exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
            "check the network between the worker and S3",
            True,
        ),
        (
            botocore.exceptions.ResponseStreamingError(error="made up"),
            "check the network between the worker and S3",
            True,
        ),
        (botocore.exceptions.SSLError(endpoint_url="made up", error="made up"), "Check the certificate", True),
        (BotoCoreError(), "check the AWS connection", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_clients_own_errors_have_advice_too(error: BotoCoreError, advice: str, retryable: bool) -> None:
    problem = explain(error, "GetObject")
    assert advice in problem.advice
    assert problem.retryable is retryable
    assert problem.shown == type(error).__name__
    assert "made up" not in problem.advice
