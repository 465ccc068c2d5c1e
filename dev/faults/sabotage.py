"""Parts of the provider switched off, to prove that the count notices: the negative controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: What can be switched off, and the figure that must then rise.
SABOTAGES = {
    "the intent": "double_charges",
    "the unknown outcome's message": "silent_losses",
    "the check": "partial_objects",
    "the look at the table": "table_rows_twice",
    "the commit to the table": "table_rows_lost",
}


def switch_off(what: str) -> None:
    """
    Switch a part of the provider off in this process.

    :param what: a key of :data:`SABOTAGES`
    """
    {
        "the intent": _no_intent,
        "the unknown outcome's message": _no_message,
        "the check": _no_check,
        "the look at the table": _no_look,
        "the commit to the table": _no_commit,
    }[what]()


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no_intent() -> None:
    from airflow_provider_ekyc.submission.journal import SubmissionRecords

    SubmissionRecords.begin = SubmissionRecords.announce = SubmissionRecords.note = _nothing  # type: ignore[method-assign]
    SubmissionRecords.require_current = _nothing  # type: ignore[method-assign]


def _no_message() -> None:
    from airflow_provider_ekyc.exceptions import EkycSettingsError
    from airflow_provider_ekyc.submission.gate import SubmissionGate

    def settle(*_: Any) -> None:
        raise EkycSettingsError("Something went wrong.")

    SubmissionGate._require_settled = settle  # type: ignore[method-assign,assignment]


def _no_check() -> None:
    # Before the modules are imported that take these by name.
    from airflow_provider_ekyc.results.archive import check as archive
    from airflow_provider_ekyc.results.compare import comparison, findings

    def unchecked(reader: archive.ArchiveReader) -> Iterator[Any]:
        reader.summary = archive.ArchiveSummary(rows=1, yes=1, no=0, unknown=0)
        return iter(())

    archive.ArchiveReader.rows = unchecked  # type: ignore[method-assign,assignment]
    vars(comparison)["findings_of"] = lambda *_, **__: findings.Findings()


def _no_look() -> None:
    from airflow_provider_ekyc.iceberg import commit

    commit._find = commit._named = _nothing


def _no_commit() -> None:
    from airflow_provider_ekyc.iceberg.commit import Committed, WarehouseTable

    WarehouseTable.add = lambda *_: Committed("ekyc.results", 1, "", "")  # type: ignore[method-assign]
