"""Which kind of place a destination is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_ekyc.arguments import read_text
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.numbers.address import LocalPath, S3Address, read_address, shown_path
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED, Destination
from airflow_provider_ekyc.preparation.local_destination import LocalDestination
from airflow_provider_ekyc.preparation.s3_destination import S3Destination
from airflow_provider_ekyc.preparation.stored_destination import StoredDestination


@dataclass(frozen=True, slots=True)
class Connections:
    """
    What destinations are reached with.

    :param aws_conn_id: Airflow connection for ``s3://``; one that the address names takes precedence
    :param numbers_conn_id: Airflow connection for other schemes
    :param extra_args: arguments of ``PutObject`` (encryption, ACL, storage class, tags, ...)
    """

    aws_conn_id: str | None
    numbers_conn_id: str | None
    extra_args: Mapping[str, Any]


def open_destination(argument: str, value: object, connections: Connections) -> Destination:
    """
    Return the place that an argument names; nothing is written yet.

    :param argument: named in errors
    :param value: a directory, ``s3://bucket/prefix``, or a URI that ``ObjectStoragePath`` knows; text or a path object
    :raises EkycSettingsError: if it is empty, can't be one, or would show what looks like a phone number
    """
    uri = read_text(argument, value)
    if shown_path(uri) != uri:
        raise EkycSettingsError(
            f"{argument} contains what looks like a phone number, which would be shown in logs and XComs. "
            f"{NOTHING_CHARGED} Use another name."
        )
    directory = uri.rstrip("/")
    if directory.endswith(":"):
        raise EkycSettingsError(f"{argument} names no place: it must be a directory or s3://bucket/prefix.")
    address = read_address(f"{directory}/x")
    if isinstance(address, LocalPath):
        return LocalDestination(address.path[:-2])
    if isinstance(address, S3Address):
        conn_id = address.conn_id or connections.aws_conn_id
        prefix = address.key[:-1]
        return S3Destination(directory, address.bucket, prefix, conn_id, connections.extra_args)
    return StoredDestination(directory, connections.numbers_conn_id)


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where one file is written.

    :param destination: its directory
    :param name: of the file
    """

    destination: Destination
    name: str

    @classmethod
    def open(cls, argument: str, value: object, connections: Connections) -> Self:
        """
        Return the place of a file that an argument names; nothing is written yet.

        :param argument: named in errors
        :param value: a path, ``s3://bucket/key``, or another URI; text or a path object
        :raises EkycSettingsError: if it can't be one
        """
        directory, _, name = read_text(argument, value).rpartition("/")
        if not name or not directory.rstrip("/") or directory.endswith(":/"):
            raise EkycSettingsError(
                f"{argument} names no file: it must be a path with a directory, or s3://bucket/key. {NOTHING_CHARGED}"
            )
        destination = open_destination(argument, directory, connections)
        if shown_path(name) != name:
            raise EkycSettingsError(f"{argument} contains what looks like a phone number. {NOTHING_CHARGED}")
        return cls(destination, name)

    @property
    def uri(self) -> str:
        """Its address."""
        return self.destination.uri(self.name)
