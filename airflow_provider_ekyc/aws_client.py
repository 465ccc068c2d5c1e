"""An S3 client of an AWS connection: making one may ask for a role, or for credentials, and may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycSignInError
from airflow_provider_ekyc.redaction import redact

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook


def s3_client(hook: S3Hook, so_far: str) -> Any:
    """
    Return boto3's S3 client.

    :param hook: with the connection
    :param so_far: what has happened until now, as a sentence: ``Nothing was sent.``
    :raises EkycSignInError: if the connection can't be used, or not now
    """
    from botocore.exceptions import BotoCoreError, ClientError, PartialCredentialsError, ProfileNotFound

    shown = f"AWS connection {hook.aws_conn_id!r}"
    try:
        return hook.get_conn()
    except (TypeError, ValueError, PartialCredentialsError, ProfileNotFound) as error:
        # A wrong region is one of boto's errors, and a ValueError.
        raise EkycSignInError(
            f"No S3 client can be made of the {shown} ({type(error).__name__}). {so_far} A retry can't help. Correct "
            f"its credentials, endpoint_url, region_name or config_kwargs; then clear this task."
        ) from None
    except ClientError as error:
        code = redact(str(error.response.get("Error", {}).get("Code", "")))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        may_pass = status >= 500 or status == 429
        then = (
            "A retry may help." if may_pass else "A retry can't help. Correct its role or keys; then clear this task."
        )
        raise EkycSignInError(
            f"AWS did not sign the {shown} in ({error.operation_name}: {code}, {status}). {so_far} {then}",
            retryable=may_pass,
        ) from None
    except BotoCoreError as error:
        raise EkycSignInError(
            f"The {shown} could not be signed in ({type(error).__name__}). {so_far} A retry may help; if it stays so, "
            f"check its credentials and role.",
            retryable=True,
        ) from None
