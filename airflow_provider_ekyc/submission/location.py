"""Where the submissions of a deployment are recorded, and the journal that is opened there."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_ekyc.airflow_sdk import conf
from airflow_provider_ekyc.arguments import split_s3_connection
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.local_store import LocalStore
from airflow_provider_ekyc.submission.record_store import RecordStore
from airflow_provider_ekyc.submission.variable_store import VariableStore

log = logging.getLogger(__name__)

#: Section of Airflow's configuration.
SECTION = "ekyc"


def open_journal(
    task: TaskIdentity, *, uri: str | None, aws_conn_id: str | None, connection_uri: str | None, state_store: Any
) -> Journal:
    """
    Open the journal of a task.

    Where it is: the operator's ``journal_uri``, else the connection's, else ``[ekyc] journal_uri`` of Airflow's
    configuration, else Airflow's Variables. Variables are looked into in any case: a ``journal_uri`` may have been
    added since the last try.

    :param uri: ``journal_uri`` of the operator
    :param aws_conn_id: Airflow connection for a journal in S3; ``[ekyc] journal_conn_id`` where the URI is that
        section's
    :param connection_uri: ``journal_uri`` of the eKYC connection
    :param state_store: ``context["task_state_store"]``, or None
    :raises EkycSettingsError: if the URI is not one of S3 or of a directory
    """
    configured = conf.get(SECTION, "journal_uri", fallback="").strip()
    variables = VariableStore(task)
    chosen = uri or connection_uri or configured
    if not chosen:
        return Journal(task, [variables], variables, state_store)
    if not uri and not connection_uri:
        aws_conn_id = conf.get(SECTION, "journal_conn_id", fallback="").strip() or aws_conn_id
    return Journal(task, [open_store(chosen, aws_conn_id, task), variables], variables, state_store)


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
        raise _not_a_place(None) from None
    if parts.query or parts.fragment or parts.password:
        raise _not_a_place(parts)
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
    raise _not_a_place(parts)


def _short(part: str) -> str:
    """Keep a key within S3's 1,024 bytes; the digest, which is the last folder, tells tasks apart."""
    return part.encode()[:200].decode(errors="ignore")


def _not_a_place(parts: SplitResult | None) -> EkycSettingsError:
    """Say what a journal's URI may be, without a query or a password that it may hold."""
    host = "" if parts is None else parts.netloc.rpartition("@")[2]
    shown = "" if parts is None else f" ({parts.scheme or 'no scheme'}{f', {host}' if host else ''})"
    return EkycSettingsError(
        f"journal_uri{shown} must be s3://bucket/prefix, s3://conn_id@bucket/prefix, or an absolute path that all "
        f"workers share: other stores can't promise that of two tries at once only one submits. Nothing was sent."
    )


def _warn_of_other_machines(uri: str) -> None:
    executor = conf.get("core", "executor", fallback="")
    if re.search("celery|kubernetes|edge|ecs|batch", executor, re.IGNORECASE):
        log.warning(
            "journal_uri %s is a directory, and the executor (%s) may run the next try on another machine. It must be "
            "a directory that all workers share; s3://bucket/prefix needs none.",
            uri,
            executor,
        )
