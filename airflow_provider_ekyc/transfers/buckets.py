"""The buckets that a transfer will write to, for the submission upstream that asks before it is paid for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_ekyc.airflow_sdk import BaseHook
from airflow_provider_ekyc.arguments import split_s3_connection
from airflow_provider_ekyc.transfers.requirements import argument_of, is_expanded
from airflow_provider_ekyc.transfers.warehouse import is_wanted

#: Returns an argument as it will be rendered; None if that is not known yet.
Render = Callable[[object], str | None]

# The bucket of an address, which may be a template; with the connection before an @.
_ADDRESS = re.compile(r"s3[an]?://((?:\{\{.*?\}\}|[^/{])+)(?:/|$)")

# What S3 accepts as a bucket's name; also that of an access point is left to the transfer.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


def missing_bucket(transfer: Any, render: Render) -> str | None:
    """
    Return sentences about a bucket of a transfer that certainly does not exist; None if there is none.

    :param transfer: the task, mapped or not
    :param render: renders an argument with what is known before the submission
    """
    for conn_id, bucket in dict.fromkeys(_places(transfer, render)):
        if _is_missing(conn_id, bucket):
            return _sentences(transfer, bucket, f"connection {conn_id!r}")
    return _missing_warehouse(transfer, render)


def _places(transfer: Any, render: Render) -> Iterator[tuple[str | None, str]]:
    """Yield pairs of connection and bucket, of the result and of the numbers that are not in it."""
    aws_conn_id = argument_of(transfer, "aws_conn_id", default="aws_default")
    has_default = aws_conn_id is None and not is_expanded(transfer, "aws_conn_id")  # boto's own chain of credentials
    default = None if aws_conn_id is None else render(aws_conn_id)
    own = render(argument_of(transfer, "s3_bucket"))
    for name in ("s3_key", "unmatched_key"):
        value = argument_of(transfer, name)
        match = _ADDRESS.match(value) if isinstance(value, str) else None
        found = render(match[1]) if match else own if name == "s3_key" else None
        if not found:
            continue
        conn_id, address = split_s3_connection(f"s3://{found}/key")
        bucket = address.removeprefix("s3://").partition("/")[0]
        if (conn_id or default or has_default) and _BUCKET.fullmatch(bucket):
            yield conn_id or default, bucket


def _missing_warehouse(transfer: Any, render: Render) -> str | None:
    """Return the same about the warehouse of the Iceberg table's catalog, where the connection names it."""
    if not is_wanted(argument_of(transfer, "iceberg_table")):
        return None
    conn_id = render(argument_of(transfer, "iceberg_conn_id", default="iceberg_default"))
    if not conn_id:
        return None
    properties = BaseHook.get_connection(conn_id).extra_dejson
    # A REST catalog, Airflow's default, may hand out another endpoint and other credentials than the connection has.
    if str(properties.get("type") or "rest").lower() == "rest":
        return None
    match = _ADDRESS.match(str(properties.get("warehouse") or ""))
    if match is None or not _BUCKET.fullmatch(match[1]):
        return None
    import boto3
    from botocore.config import Config

    from airflow_provider_ekyc.s3.missing_bucket import CONNECT_TIMEOUT, READ_TIMEOUT, is_missing

    client = boto3.client(
        "s3",
        endpoint_url=properties.get("s3.endpoint") or None,
        region_name=properties.get("s3.region") or None,
        aws_access_key_id=properties.get("s3.access-key-id") or None,
        aws_secret_access_key=properties.get("s3.secret-access-key") or None,
        aws_session_token=properties.get("s3.session-token") or None,
        config=Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}),
    )
    return (
        _sentences(transfer, match[1], f"warehouse of connection {conn_id!r}") if is_missing(client, match[1]) else None
    )


def _is_missing(conn_id: str | None, bucket: str) -> bool:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from airflow_provider_ekyc.s3.missing_bucket import missing_buckets

    return bool(missing_buckets(S3Hook(aws_conn_id=conn_id), [bucket]))


def _sentences(transfer: Any, bucket: str, where: str) -> str:
    return (
        f"S3 has no bucket {bucket!r} ({where}), to which task {transfer.task_id!r} writes. Nothing was sent or "
        f"charged. Create the bucket, or correct its name or the connection, then clear this task."
    )
