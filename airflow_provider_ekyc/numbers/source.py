"""Open the input file wherever it lies: on the worker, in S3, or in another object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote

from airflow_provider_ekyc.aws_client import s3_client
from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.whole_stream import WholeStream
from airflow_provider_ekyc.redaction import redact, without_query

_FILE: Final = "file://"
_S3: Final = "s3://"
_NOTHING_SENT: Final = "Nothing was sent."


@contextmanager
def open_numbers(uri: str, *, aws_conn_id: str | None, numbers_conn_id: str | None) -> Iterator[BinaryIO]:
    """
    Open the input for reading, and close it when the block ends.

    ``s3://`` goes through Airflow's S3 hook, so that all an AWS connection can say (role, endpoint, CA file)
    holds, and without ``s3fs``, whose pins hold botocore back. Other schemes go through Airflow's
    ``ObjectStoragePath``, which knows those of the installed providers.

    A connection that breaks while reading is an error out of ``read``, never an early end of file.

    :param uri: a path on the worker, ``file:///path``, ``s3://bucket/key``, or a URI that
        ``ObjectStoragePath`` knows; a relative path counts from wherever the worker was started
    :param aws_conn_id: AWS connection for ``s3://``; None takes boto3's own search for credentials
    :param numbers_conn_id: connection for other schemes
    :raises EkycNumbersError: if there is nothing there, or it may not be read; a retry can't help
    :raises EkycUnreadableInputError: if S3 does not give it just now; also out of ``read``
    :raises EkycSignInError: if the AWS connection can't be used, or not now
    """
    scheme = uri.partition("://")[0].lower() if "://" in uri else ""
    opened: AbstractContextManager[BinaryIO]
    if not uri.strip():
        raise EkycNumbersError(f"No input was named: the path is empty. {_NOTHING_SENT} Set numbers=.")
    if scheme in ("", "file"):
        opened = _local_file(_local_path(uri) if scheme else uri)
    elif scheme == "s3":
        opened = closing(_s3_object(uri, aws_conn_id))
    else:
        opened = closing(_stored_object(uri, numbers_conn_id))
    with opened as file:
        yield file


def _local_path(uri: str) -> str:
    # RFC 8089. Not urlsplit(): it would cut a path at "?" or "#".
    host, slash, path = uri[len(_FILE) :].partition("/")
    if host not in ("", "localhost"):
        raise EkycNumbersError(
            f"{without_query(uri)} names a file on another host. {_NOTHING_SENT} A path on the worker takes "
            "three slashes: file:///path."
        )
    return unquote(slash + path)


def _local_file(path: str) -> BinaryIO:
    shown = os.path.abspath(path)
    try:
        return open(path, "rb")
    except FileNotFoundError:
        relative = "" if os.path.isabs(path) else f" ({path!r} counts from where this worker was started)"
        raise EkycNumbersError(
            f"There is no file {shown} on this worker{relative}. {_NOTHING_SENT} Check the path, whether the "
            "step that writes it ran on the same worker, and whether the directory is mounted here."
        ) from None
    except (IsADirectoryError, NotADirectoryError):
        raise EkycNumbersError(
            f"{shown} is a directory, or lies below a file. {_NOTHING_SENT} Name one file."
        ) from None
    except PermissionError:
        raise EkycNumbersError(
            f"This worker's user may not read {shown}. {_NOTHING_SENT} Grant it read access to the file, and "
            "search access to the directories above it."
        ) from None


def _s3_object(uri: str, aws_conn_id: str | None) -> BinaryIO:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        IncompleteReadError,
        ParamValidationError,
    )

    bucket, _, key = uri[len(_S3) :].partition("/")
    if not bucket or not key:
        raise EkycNumbersError(f"{uri} names no object. {_NOTHING_SENT} An S3 input is s3://bucket/key.")
    client = s3_client(S3Hook(aws_conn_id=aws_conn_id), _NOTHING_SENT)
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except ParamValidationError:
        raise EkycNumbersError(f"{uri} is no valid S3 address. {_NOTHING_SENT} Check the bucket.") from None
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = error.response.get("Error", {}).get("Code", "")
        if status == 404:
            missing = "no such bucket" if code == "NoSuchBucket" else "no such object"
            raise EkycNumbersError(
                f"{uri}: {missing}. {_NOTHING_SENT} Check the address, and that the step that writes it has run."
            ) from None
        if status == 403 and error.operation_name == "GetObject":
            raise EkycNumbersError(
                f"{uri} may not be read with the AWS connection {aws_conn_id!r} ({code or 'AccessDenied'}). "
                f"{_NOTHING_SENT} Grant it s3:GetObject (and kms:Decrypt if the bucket is encrypted with "
                "KMS). Where s3:ListBucket is missing too, S3 answers this for a missing object."
            ) from None
        raise _unreadable(uri, f"{code}, {status}") from None
    except BotoCoreError as error:
        raise _unreadable(uri, type(error).__name__) from None
    return _whole(answer["Body"], answer["ContentLength"], uri, (HTTPClientError, IncompleteReadError))


def _unreadable(uri: str, why: str) -> EkycUnreadableInputError:
    return EkycUnreadableInputError(
        f"S3 did not give {uri} ({redact(why)}). {_NOTHING_SENT} A retry reads it again; if it stays so, check the "
        f"endpoint, region and credentials of the AWS connection."
    )


def _stored_object(uri: str, numbers_conn_id: str | None) -> BinaryIO:
    from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

    shown = without_query(uri)
    try:
        path: Any = ObjectStoragePath(uri, conn_id=numbers_conn_id)
        file = path.open("rb")
    except ValueError as error:
        # Airflow's "No filesystem registered for scheme", universal-pathlib's "Unsupported filesystem".
        raise EkycNumbersError(
            f"{shown} can't be opened: {redact(str(error))}. {_NOTHING_SENT} Install the Airflow "
            "provider with that file system, or put the file on S3 or on a disk that workers share."
        ) from None
    except FileNotFoundError:
        raise EkycNumbersError(f"There is nothing at {shown}. {_NOTHING_SENT} Check the address.") from None
    except IsADirectoryError:
        raise EkycNumbersError(f"{shown} is a directory. {_NOTHING_SENT} Name one file.") from None
    except PermissionError:
        raise EkycNumbersError(
            f"{shown} may not be read with the connection {numbers_conn_id!r}. {_NOTHING_SENT} Grant it read access."
        ) from None
    # fsspec's buffered files know their size from opening them; where the size is unknown it is None.
    size = getattr(file, "size", None)
    return _whole(file, size if isinstance(size, int) else None, shown)


def _whole(file: Any, size: int | None, shown: str, broken_by: tuple[type[Exception], ...] = ()) -> BinaryIO:
    return cast("BinaryIO", WholeStream(file, size=size, shown=shown, broken_by=broken_by))
