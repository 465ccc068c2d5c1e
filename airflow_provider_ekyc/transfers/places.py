"""Where a transfer puts its objects, read out of its arguments before any request is sent."""

from __future__ import annotations

import re
from typing import NamedTuple

from airflow_provider_ekyc.arguments import read_text, split_s3_connection
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.s3.object import Place


class Places(NamedTuple):
    """
    The places of a transfer's objects.

    :param conn_id: Airflow connection for both
    :param unmatched: of the numbers that are not in the result; None if they are not to be landed
    """

    conn_id: str | None
    result: Place
    unmatched: Place | None


def read_places(s3_key: object, s3_bucket: str | None, unmatched_key: str | None, aws_conn_id: str | None) -> Places:
    """
    Read the arguments.

    :param s3_key: a key beside ``s3_bucket``, or a whole address, whose connection wins over ``aws_conn_id``
    :param unmatched_key: a key in the same bucket, or a whole address; None if there is to be no list
    :raises EkycSettingsError: if they are not an object each, or not in reach of one connection
    """
    address_conn_id, text = split_s3_connection(read_text("s3_key", s3_key))
    conn_id, place = address_conn_id or aws_conn_id, _place("s3_key", text, s3_bucket)
    if unmatched_key is None:
        return Places(conn_id, place, None)
    unmatched_conn_id, text = split_s3_connection(unmatched_key)
    if unmatched_conn_id not in (None, conn_id):
        raise EkycSettingsError(
            "unmatched_key names another AWS connection than the result is landed with. No request was sent."
        )
    unmatched = _place("unmatched_key", text, None if Place.from_uri(text) else place.bucket)
    if unmatched == place:
        raise EkycSettingsError("unmatched_key and s3_key name the same object. No request was sent.")
    return Places(conn_id, place, unmatched)


def _place(name: str, text: str, bucket: str | None) -> Place:
    """Read a key beside a bucket, or a whole address."""
    place = Place.from_uri(text)
    if (place.key if place else text).endswith("/") or text.startswith("/"):
        raise EkycSettingsError(f"{name} begins or ends with a slash, as no object's key should. No request was sent.")
    if place:
        if bucket:
            raise EkycSettingsError(f"{name} is a whole address, so s3_bucket must be empty. No request was sent.")
        return place
    if not bucket or re.match(r"[A-Za-z0-9]+://", text):
        raise EkycSettingsError(
            f"The result's place is not known: {name} must be an address (s3://bucket/key), or a key beside "
            "s3_bucket. No request was sent."
        )
    return Place(read_text("s3_bucket", bucket), text)
