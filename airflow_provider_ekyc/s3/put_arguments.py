"""The user's own arguments of ``PutObject``, checked before any request: a mistake has cost nothing yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.s3.errors import S3CallError, explained
from airflow_provider_ekyc.s3.failures import landing_error
from airflow_provider_ekyc.s3.object import S3Object

_OURS = re.compile("Body|Bucket|Checksum.*|ContentLength|ContentMD5|IfMatch|IfNoneMatch|Key|WriteOffsetBytes")
#: What botocore encodes before it checks and sends it, so that bytes will do as well.
_ENCODED = "SSECustomerKey"
#: A name in an HTTP header (RFC 9110, 5.6.2), which is what one in an object's metadata becomes.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_REQUEST = "No request was sent."


def check_arguments(target: S3Object) -> None:
    """
    Check ``s3_extra_args``, and what ``encrypt`` and ``acl_policy`` have added, without a request.

    :raises EkycSettingsError: if S3 would not accept them; it names arguments, and shows no value
    """
    extra_args = target.extra_args
    if not all(isinstance(name, str) for name in extra_args):
        raise EkycSettingsError(f"s3_extra_args has a name that is not text. {_NO_REQUEST}")
    if ours := sorted(filter(_OURS.fullmatch, extra_args)):
        raise EkycSettingsError(
            f"s3_extra_args may not contain {', '.join(ours)}: this task sets it itself. {_NO_REQUEST}"
        )
    # They become headers, where a line break would begin another one.
    headers = {name: str(value) for name, value in extra_args.items() if name != _ENCODED}
    if broken := sorted(name for name, value in headers.items() if _CONTROL.search(value)):
        raise EkycSettingsError(
            f"s3_extra_args (or acl_policy) has a control character, such as a line break, in {', '.join(broken)}. "
            f"{_NO_REQUEST}"
        )
    _check_metadata(extra_args.get("Metadata"))
    _check_as_the_client_does(target.client, {"Bucket": target.bucket, "Key": target.key, **extra_args})


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, Mapping):
        return  # the client says what it has to be
    texts = [str(text) for text in (*metadata, *metadata.values())]
    if not all(text.isascii() and not _CONTROL.search(text) for text in texts):
        raise EkycSettingsError(
            f"s3_extra_args has Metadata that is not ASCII, as S3 requires, or has a line break. {_NO_REQUEST}"
        )
    for name in map(str, metadata):
        if name.lower().startswith("ekyc-") or not _TOKEN.fullmatch(name):
            raise EkycSettingsError(
                f"s3_extra_args has Metadata with the name {name!r}: what begins with ekyc- is this task's own, and "
                f"any other must be a name that a header can have. {_NO_REQUEST}"
            )


def _check_as_the_client_does(client: Any, arguments: dict[str, Any]) -> None:
    from botocore.validate import validate_parameters

    if isinstance(arguments.get(_ENCODED), bytes | bytearray):
        del arguments[_ENCODED]
    try:
        with explained("PutObject"):
            validate_parameters(arguments, client.meta.service_model.operation_model("PutObject").input_shape)
    except S3CallError as error:
        raise landing_error("", error.problem) from None
