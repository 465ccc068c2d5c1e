"""The user's own arguments of ``PutObject``, checked before any request: a mistake has cost nothing yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ekyc.arguments import read_bool, read_text
from airflow_provider_ekyc.exceptions import EkycError, EkycSettingsError
from airflow_provider_ekyc.s3.errors import S3CallError, S3Problem, explained
from airflow_provider_ekyc.s3.failures import landing_error
from airflow_provider_ekyc.s3.object import S3Object

_OURS = re.compile("Body|Bucket|Checksum.*|ContentLength|ContentMD5|IfMatch|IfNoneMatch|Key|WriteOffsetBytes")
#: What botocore encodes before it checks and sends it, so that bytes will do as well.
_ENCODED = "SSECustomerKey"
#: A name in an HTTP header (RFC 9110, 5.6.2), which is what one in an object's metadata becomes.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_REQUEST = "No request was sent."
#: Arguments for encryption with another key than S3's own.
_OTHER_ENCRYPTION = frozenset(
    {"SSEKMSKeyId", "SSEKMSEncryptionContext", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"}
)


def read_extra_args(s3_extra_args: object, encrypt: object, acl_policy: object = None) -> dict[str, Any]:
    """
    Return the user's arguments of ``PutObject``.

    :param s3_extra_args: a mapping of them, or None
    :param encrypt: whether S3 encrypts with its own key; perhaps as text
    :param acl_policy: a canned ACL; None or empty for none
    :raises EkycSettingsError: if they are something else, or name two encryptions
    """
    if not isinstance(s3_extra_args, Mapping | None):
        raise EkycSettingsError(f"s3_extra_args must be a mapping of PutObject's arguments. {_NO_REQUEST}")
    extra = dict(s3_extra_args or {})
    if read_bool("encrypt", encrypt):
        named = extra.setdefault("ServerSideEncryption", "AES256")
        if named != "AES256" or extra.keys() & _OTHER_ENCRYPTION:
            raise EkycSettingsError(
                "encrypt=True is S3's own key (AES256); s3_extra_args names another encryption. Use one of them. "
                f"{_NO_REQUEST}"
            )
    if acl_policy:
        extra["ACL"] = read_text("acl_policy", acl_policy)
    return extra


def _not_landed(problem: S3Problem) -> EkycError:
    return landing_error("", problem)


def check_arguments(target: S3Object, refused: Callable[[S3Problem], EkycError] = _not_landed) -> None:
    """
    Check ``s3_extra_args``, and what ``encrypt`` and ``acl_policy`` have added, without a request.

    :param refused: returns the error for what the client does not accept; by default that of a result
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
    try:
        _check_as_the_client_does(target.client, {"Bucket": target.bucket, "Key": target.key, **extra_args})
    except S3CallError as error:
        raise refused(error.problem) from None


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
    with explained("PutObject"):
        validate_parameters(arguments, client.meta.service_model.operation_model("PutObject").input_shape)
