"""What a store of records must be able to do, and which stores a task has."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, urlsplit

from airflow_provider_ekyc.airflow_sdk import conf
from airflow_provider_ekyc.arguments import split_s3_connection
from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSettingsError
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.local_store import LocalStore
from airflow_provider_ekyc.submission.settle_steps import TASK_STATE_STORE
from airflow_provider_ekyc.submission.variable_store import VariableStore

log = logging.getLogger(__name__)

#: Section of Airflow's configuration.
SECTION = "ekyc"


class ReadableStore(Protocol):
    """Small records of one task of one run, by name."""

    def address(self, name: str) -> str:
        """Return where the record is, for a message."""
        ...

    def read(self, name: str) -> bytes | None:
        """
        Return the record, or None if it is certain that there is none.

        :raises EkycJournalError: if that can't be known
        """
        ...


class RecordStore(ReadableStore, Protocol):
    """The same, to be written to."""

    #: ``variables``, ``s3`` or ``directory``: how a person reaches a record.
    kind: ClassVar[str]

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """
        Write the record if it is still what the caller has read.

        :param replacing: what was read; None if there was nothing
        :return: False if it is something else by now; then nothing was written
        :raises EkycJournalError: if it can't be written
        """
        ...

    def names(self, prefix: str) -> list[str] | None:
        """
        Return the names of the records of this task of this run, or None if this store can't list them.

        :param prefix: how the names begin
        :raises EkycJournalError: if they can't be listed just now
        """
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """
    Where the records of a task are.

    :param submissions: of submissions: a new one is written to the first, an earlier one is searched in all
    :param instances: of task instances
    :param schema_1: where records of schema 1 may be
    """

    submissions: tuple[RecordStore, ...]
    instances: RecordStore
    schema_1: tuple[ReadableStore, ...]


def open_stores(
    task: TaskIdentity,
    *,
    uri: str | None,
    aws_conn_id: str | None,
    connection_uri: str | None,
    state_store: Any = None,
    variables: RecordStore | None = None,
) -> Stores:
    """
    Return the stores of a task: the one of its ``journal_uri``, and Airflow's Variables.

    The operator's ``journal_uri`` is used, else the connection's, else ``[ekyc] journal_uri`` of Airflow's
    configuration. Variables are read in any case: a ``journal_uri`` may have been added since the last try.

    :param uri: ``journal_uri`` of the operator
    :param aws_conn_id: Airflow connection for a journal in S3; ``[ekyc] journal_conn_id`` where the URI is that
        section's
    :param connection_uri: ``journal_uri`` of the eKYC connection
    :param state_store: ``context["task_state_store"]``, to which schema 1 was written; None below Airflow 3.3, and for
        a task that does not run
    :param variables: Airflow's Variables of the task where no task runs, as in the API server; None in a task
    :raises EkycSettingsError: if the URI is not one of S3 or of a directory
    """
    variables = variables or VariableStore(task)
    schema_1: tuple[ReadableStore, ...] = () if state_store is None else (_TaskStateStore(state_store),)
    chosen = uri or connection_uri
    if not chosen:
        chosen = conf.get(SECTION, "journal_uri", fallback="").strip()
        aws_conn_id = conf.get(SECTION, "journal_conn_id", fallback="").strip() or aws_conn_id
    if not chosen:
        return Stores((variables,), variables, schema_1)
    store = open_store(chosen, aws_conn_id, task)
    return Stores((store, variables), variables, (store, *schema_1))


def open_store(uri: str, aws_conn_id: str | None, task: TaskIdentity) -> RecordStore:
    """
    Return the store that a journal URI names.

    :param uri: ``s3://bucket/prefix`` (in ``s3://conn_id@bucket/prefix`` the connection wins over ``aws_conn_id``),
        ``file:///shared/dir``, or an absolute path
    :param aws_conn_id: Airflow connection for S3
    :raises EkycSettingsError: if it is another scheme, or no absolute path
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise _not_a_store(None) from None
    if parts.query or parts.fragment or parts.password:
        raise _not_a_store(parts)
    named, uri = split_s3_connection(uri)
    parts = urlsplit(uri)
    folders = (task.dag_id, task.task_id, task.digest)
    if re.fullmatch("s3[an]?", parts.scheme) and parts.netloc:
        from airflow_provider_ekyc.submission.s3_store import S3Store

        prefix = "/".join(filter(None, (parts.path.strip("/"), *(_short(folder) for folder in folders))))
        return S3Store(parts.netloc, prefix, named or aws_conn_id)
    if parts.scheme in ("", "file") and parts.path.startswith("/") and not parts.netloc:
        _warn_of_other_machines(uri)
        return LocalStore(Path(parts.path), folders)
    raise _not_a_store(parts)


class _TaskStateStore:
    """
    Records of schema 1 in Airflow's task state store (3.3 and later).

    :param state_store: ``context["task_state_store"]``
    """

    def __init__(self, state_store: Any) -> None:
        self._state_store = state_store

    def address(self, name: str) -> str:
        """Return the key, as a message names it."""
        return f"{self._key(name)}{TASK_STATE_STORE}"

    def read(self, name: str) -> bytes | None:
        """Return the record as JSON, or None if there is none."""
        try:
            value: object = self._state_store.get(self._key(name))
        except Exception as error:  # noqa: BLE001  # a backend of the user's may raise anything
            raise EkycJournalError(
                f"Airflow's task state store can't be read ({type(error).__name__}), so it is not known whether this "
                f"list was submitted before. Nothing was sent. A retry reads it again.",
                retryable=True,
            ) from None
        if value is None:
            return None
        return json.dumps(dict(value) if isinstance(value, Mapping) else value).encode()

    def _key(self, name: str) -> str:
        submission, kind = name.split(".")
        return f"ekyc-{kind}-{submission}"


def _short(part: str) -> str:
    """Keep a key within S3's 1,024 bytes; the digest, which is the last folder, is unique to the task."""
    return part.encode()[:200].decode(errors="ignore")


def _not_a_store(parts: SplitResult | None) -> EkycSettingsError:
    """Return the error for another URI, without a query or a password that the URI may have."""
    host = "" if parts is None else parts.netloc.rpartition("@")[2]
    shown = "" if parts is None else f" ({parts.scheme or 'no scheme'}{f', {host}' if host else ''})"
    return EkycSettingsError(
        f"journal_uri{shown} must be s3://bucket/prefix, s3://conn_id@bucket/prefix, or an absolute path that all "
        f"workers share. Other stores have no conditional write, so two tries at once could both submit. Nothing was "
        f"sent."
    )


def _warn_of_other_machines(uri: str) -> None:
    executor = conf.get("core", "executor", fallback="")
    if re.search("celery|kubernetes|edge|ecs|batch", executor, re.IGNORECASE):
        warn(
            log,
            f"journal_uri {uri} is a directory, and the executor ({executor}) may run the next try on another machine. "
            f"It must be a directory that all workers share; s3://bucket/prefix needs none.",
        )
