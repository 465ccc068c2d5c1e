"""
A journal of small objects under a URI: in S3, or in a directory that all workers share. For any Airflow.

An intent is created only if it is absent (S3 ``If-None-Match: *``, local ``O_EXCL``): of two tries at once one
submits. Other stores can't promise that, and are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError, EkycSettingsError
from airflow_provider_ekyc.journals.record import Intent


class ObjectStore(Protocol):
    """Small objects by key."""

    def address(self, key: str) -> str:
        """Return where the object lies, for a message."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the object, or None if it is certain that there is none."""
        ...

    def write(self, key: str, body: bytes, *, only_new: bool) -> bool:
        """Write the object; return False if ``only_new`` and it is there already."""
        ...

    def delete(self, key: str) -> None:
        """Delete the object, if it is there."""
        ...


def run_folder(dag_id: str, task_id: str, run_id: str) -> str:
    """
    Return the folder of one task of one run.

    The map index is no part of it: after a clear with the mapped list in another order, each file finds its own
    receipt.
    """
    digest = hashlib.sha256("\0".join((dag_id, task_id, run_id)).encode()).hexdigest()[:16]
    return f"{dag_id}/{task_id}/{digest}"


class ObjectJournal:
    """
    Keeps ``<folder>/<name>.intent.json`` and ``<folder>/<name>.receipt.json``.

    :param store: where
    :param folder: of the task's run
    """

    def __init__(self, store: ObjectStore, folder: str) -> None:
        self._store = store
        self._folder = folder

    def receipt(self, name: str) -> object | None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return self._read(self._key(name, "receipt"))

    def intent(self, name: str) -> object | None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return self._read(self._key(name, "intent"))

    def begin(self, name: str, intent: Intent, *, again: bool) -> None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        key = self._key(name, "intent")
        if not self._store.write(key, _json(intent.as_dict()), only_new=not again):
            raise EkycInProgressError(
                f"Another try is submitting this file right now; its intent is {self._store.address(key)}. Nothing "
                f"was sent by this try. A retry finds its receipt, or says that it left none."
            )

    def complete(self, name: str, receipt: Mapping[str, Any]) -> None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        self._store.write(self._key(name, "receipt"), _json(receipt), only_new=False)

    def withdraw(self, name: str) -> None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        self._store.delete(self._key(name, "intent"))

    def by_hand(self, name: str) -> str:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        receipt = self._store.address(self._key(name, "receipt"))
        intent = self._store.address(self._key(name, "intent"))
        return (
            f'write {{"ekyc_task_id": "<the remote id>"}} to {receipt} to adopt it, or delete {intent} to have it '
            f"sent again"
        )

    def forget(self, name: str) -> str:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        receipt = self._store.address(self._key(name, "receipt"))
        intent = self._store.address(self._key(name, "intent"))
        return f"start a new run, or delete {receipt} and {intent} and clear this task"

    def _key(self, name: str, kind: str) -> str:
        return f"{self._folder}/{name}.{kind}.json"

    def _read(self, key: str) -> object | None:
        body = self._store.read(key)
        if body is None:
            return None
        try:
            value: object = json.loads(body)
        except ValueError:
            raise EkycJournalError(
                f"The journal's entry {self._store.address(key)} can't be read, so it is not known whether this was "
                f"submitted before. Nothing was sent. Mend or delete it, then clear this task."
            ) from None
        return value


def open_store(uri: str, aws_conn_id: str | None) -> ObjectStore:
    """
    Return the store that a journal URI names.

    :param uri: ``s3://bucket/prefix``, ``file:///shared/dir``, or an absolute path
    :param aws_conn_id: Airflow connection for S3
    :raises EkycSettingsError: if it is another scheme, or no absolute path
    """
    parts = urlsplit(uri)
    if parts.scheme == "s3" and parts.netloc:
        from airflow_provider_ekyc.journals.s3_store import S3Store

        return S3Store(parts.netloc, parts.path.strip("/"), aws_conn_id)
    if parts.scheme in ("", "file") and parts.path.startswith("/") and not parts.netloc:
        return LocalStore(Path(parts.path))
    raise EkycSettingsError(
        f"journal_uri {uri!r} must be s3://bucket/prefix or an absolute path that all workers share: other stores "
        f"can't promise that of two tries at once only one submits."
    )


class LocalStore:
    """Files below a directory, readable by their owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def address(self, key: str) -> str:
        """Return the path."""
        return str(self._path(key))

    def read(self, key: str) -> bytes | None:
        """Return the file's content, or None if there is no such file."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None

    def write(self, key: str, body: bytes, *, only_new: bool) -> bool:
        """Write the file, whole or not at all, and to the disk."""
        path = self._path(key)
        part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            try:
                if only_new:
                    os.link(part, path)  # fails if it exists, as O_EXCL does, and shows the whole content at once
                    part.unlink()
                else:
                    part.replace(path)
            except FileExistsError:
                part.unlink()
                return False
            _sync_directory(path.parent)
        except OSError as error:
            raise self._unusable(error) from None
        return True

    def delete(self, key: str) -> None:
        """Delete the file, if it is there."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*(_safe(part) for part in key.split("/")))

    def _unusable(self, error: OSError) -> EkycJournalError:
        return EkycJournalError(
            f"The journal below {self._root} can't be used ({error.strerror}), so it is not known whether this was "
            f"submitted before.",
            retryable=True,
        )


def _safe(part: str) -> str:
    """Keep a DAG's or a task's id from naming another directory."""
    return f"_{part}" if part in (".", "..") else part


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
