"""An S3 client of an AWS connection: making one may ask for a role, or for credentials, and may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycSignInError
from airflow_provider_ekyc.s3.errors import S3CallError, explained

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook


def s3_client(hook: S3Hook, so_far: str) -> Any:
    """
    Return boto3's S3 client.

    :param hook: with the connection
    :param so_far: what has happened until now, as a sentence: ``Nothing was sent.``
    :raises EkycSignInError: if the connection can't be used, or not now
    """
    shown = f"AWS connection {hook.aws_conn_id!r}"
    try:
        with explained(""):
            client = hook.get_conn()
    except S3CallError as error:
        problem = error.problem
        then = "may help" if problem.retryable else "can't help"
        clear = "" if problem.retryable else " Then clear this task."
        raise EkycSignInError(
            f"The {shown} cannot be used ({problem.shown}). {so_far} A retry {then}. {problem.advice}{clear}",
            retryable=problem.retryable,
        ) from None
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        raise EkycSignInError(
            f"No S3 client can be made of the {shown} ({type(error).__name__}). {so_far} A retry can't help. Correct "
            f"its credentials, endpoint_url, region_name or config_kwargs. Then clear this task.",
            retryable=False,
        ) from None
    client.meta.events.register_first("needs-retry.s3", _refuse_redirects, unique_id="ekyc-refuse-redirects")
    return client


def _refuse_redirects(response: tuple[Any, Any] | None = None, **_: Any) -> None:
    """
    Refuse the redirect of a proxy, such as one from http to https.

    botocore assumes that each 301 is one of S3, which names the bucket's region, and requests it if it
    does not. The answer to that is the same redirect: it ends with a ``RecursionError``.
    """
    from botocore.exceptions import InvalidEndpointConfigurationError

    if response is None:
        return
    answer, parsed = response
    if answer.status_code not in (301, 302, 303, 307, 308) or "x-amz-bucket-region" in answer.headers:
        return
    if not parsed.get("Error", {}).keys() & {"Endpoint", "Region"}:
        raise InvalidEndpointConfigurationError(msg="the endpoint redirects")
