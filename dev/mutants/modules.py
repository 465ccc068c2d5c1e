"""Which modules are changed, and which tests are run for each."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

PACKAGE = "airflow_provider_ekyc"

#: The folders of the package whose modules are changed.
FOLDERS = ("api", "polling", "results", "submission")

_ARCHIVE = ("results/test_archive_tables.py", "results/test_archive_damage.py", "results/test_archive_alone.py")
_DOWNLOAD = (
    "results/test_downloading.py",
    "results/test_downloading_changes.py",
    "results/test_downloading_hint.py",
)

#: module -> its tests, below ``tests``; a module that is not here has those of the file of its name. What begins a
#: server or a process for each case is left out where other tests reach the same lines, so that a change costs about a
#: second.
TESTS: dict[str, tuple[str, ...]] = {
    "api/aio.py": ("api/test_aio_queries.py",),
    "api/answers.py": (
        "api/test_answers.py",
        "api/test_failures.py",
        "api/test_paid_ids.py",
        "api/test_read_answers.py",
    ),
    "api/bounded.py": ("api/test_bounded.py", "api/test_client.py", "api/test_result_connection.py"),
    "api/client.py": ("api/test_client.py",),
    "api/connection_check.py": ("api/test_connection_check.py",),
    "api/environment.py": ("api/test_environment.py",),
    "api/failures.py": ("api/test_failures.py", "api/test_read_answers.py"),
    "api/hidden_queries.py": ("api/test_hidden_queries.py",),
    "api/json_body.py": ("api/test_json_body.py",),
    "api/models.py": ("api/test_models.py",),
    "api/paid_ids.py": ("api/test_paid_ids.py",),
    "api/prices.py": ("api/test_prices.py",),
    "api/protocol.py": (
        "api/test_failures.py",
        "api/test_paid_ids.py",
        "api/test_read_answers.py",
        "api/test_requests.py",
        "api/test_task_ids.py",
    ),
    "api/result_connection.py": ("api/test_result_connection.py",),
    "api/result_hosts.py": ("api/test_result_hosts.py",),
    "api/result_stream.py": ("api/test_result_stream.py",),
    "api/retries.py": ("api/test_retries.py",),
    "api/sent_numbers.py": ("api/test_sent_numbers.py",),
    "api/settings.py": ("api/test_settings.py",),
    "api/task_ids.py": ("api/test_task_ids.py",),
    "api/transport.py": ("api/test_client.py", "api/test_transport.py"),
    "api/upload.py": ("api/test_upload.py",),
    "polling/interval.py": ("polling/test_interval.py", "polling/test_poller.py"),
    "polling/poller.py": ("polling/test_poller.py", "polling/test_poll_clocks.py", "polling/test_progress.py"),
    "polling/progress.py": ("polling/test_progress.py",),
    "results/archive/check.py": (*_ARCHIVE, "results/test_table_shapes.py"),
    "results/archive/members.py": ("results/test_members.py",),
    "results/archive/unpack.py": ("results/test_unpack.py",),
    "results/byte_ranges.py": ("results/test_byte_ranges.py",),
    "results/compare/ascending.py": ("results/test_ascending.py",),
    "results/compare/comparison.py": ("results/test_comparison.py",),
    "results/compare/expected_counts.py": ("results/test_expected_counts.py", "results/test_findings.py"),
    "results/compare/findings.py": ("results/test_findings.py",),
    "results/compare/ledger.py": ("results/test_ledger.py",),
    "results/compare/parts.py": ("results/test_parts.py",),
    "results/compare/row_keys.py": ("results/test_row_keys.py",),
    "results/compare/submitted_input.py": ("results/test_submitted_input.py",),
    "results/compare/tally.py": ("results/test_tally.py",),
    "results/compare/unmatched.py": ("results/test_unmatched.py",),
    "results/download.py": _DOWNLOAD,
    "results/errors.py": ("results/test_errors.py",),
    "results/growing_file.py": ("results/test_growing_file.py",),
    "results/output/arrow_columns.py": ("results/test_arrow_columns.py",),
    "results/output/convert.py": ("results/test_convert.py",),
    "results/output/csv_rows.py": ("results/test_csv_rows.py",),
    "results/output/parquet.py": ("results/test_parquet.py",),
    "results/range_workers.py": ("results/test_range_workers.py",),
    "results/read_ahead.py": ("results/test_read_ahead.py",),
    "results/table/answers.py": ("results/test_answers.py", "results/test_rows.py"),
    "results/table/header.py": ("results/test_header.py", "results/test_rows.py", "results/test_table_shapes.py"),
    "results/table/number_forms.py": ("results/test_number_forms.py",),
    "results/table/plain_rows.py": ("results/test_plain_rows.py",),
    "results/table/rows.py": ("results/test_rows.py", "results/test_number_forms.py", "results/test_table_shapes.py"),
    "results/table/whole_lines.py": ("results/test_rows.py", "results/test_plain_rows.py"),
    "results/work_thread.py": ("results/test_work_thread.py",),
    "submission/balance.py": ("submission/test_balance.py",),
    "submission/clean_up.py": ("submission/test_clean_up_records.py",),
    "submission/former_tasks.py": ("submission/test_former_submissions.py",),
    "submission/gate.py": ("submission/test_gate_rules.py",),
    "submission/identity.py": ("submission/test_identity_values.py",),
    "submission/instance_journal.py": ("submission/test_instance_journal.py",),
    "submission/journal.py": ("submission/test_submission_records.py",),
    "submission/local_store.py": ("submission/test_local_store.py",),
    "submission/record.py": ("submission/test_record_values.py",),
    "submission/record_format.py": ("submission/test_record_json.py",),
    "submission/s3_store.py": ("submission/test_s3_store.py",),
    "submission/settle_steps.py": ("submission/test_record_json.py",),
    "submission/settlement.py": ("submission/test_settlement_records.py",),
    "submission/spending.py": ("submission/test_spending.py",),
    "submission/spending_check.py": ("submission/test_spending_steps.py",),
    "submission/stores.py": ("submission/test_stores.py",),
    "submission/submitter.py": (
        "submission/test_former_submissions.py",
        "submission/test_sends.py",
        "submission/test_stopped_sends.py",
    ),
    "submission/unsettled.py": ("submission/test_unsettled_values.py",),
    "submission/variable_store.py": ("submission/test_variable_store.py",),
}

#: Modules whose tests call an S3 server: one serves all changes, each of which would start one of its own.
WITH_S3 = ("submission/s3_store.py",)

#: Modules that are not changed, with the reason.
LEFT_OUT = {
    "results/exported.py": "only asks the API again; tests/transfers test it with the operator",
    "results/output/formats.py": "holds a table and no function",
    "results/output/output_format.py": "holds records and no function",
    "results/transfer.py": "puts the others in order; tests/transfers test it with the operator and S3",
}


#: Modules whose survivors were gone through: each is killed or explained. The others are tried only if ``MODULE`` names
#: them.
DONE = (
    "api/aio.py",
    "api/answers.py",
    "api/bounded.py",
    "api/client.py",
    "api/connection_check.py",
    "api/environment.py",
    "api/failures.py",
    "api/hidden_queries.py",
    "api/json_body.py",
    "api/models.py",
    "api/paid_ids.py",
    "api/prices.py",
    "api/protocol.py",
    "api/result_connection.py",
    "api/result_hosts.py",
    "api/result_stream.py",
    "api/retries.py",
    "api/sent_numbers.py",
    "api/settings.py",
    "api/task_ids.py",
    "api/transport.py",
    "api/upload.py",
    "api/user_agent.py",
    "polling/interval.py",
    "polling/poller.py",
    "polling/progress.py",
    "results/archive/check.py",
    "results/archive/members.py",
    "results/archive/unpack.py",
    "results/byte_ranges.py",
    "results/compare/ascending.py",
    "results/compare/comparison.py",
    "results/compare/expected_counts.py",
    "results/compare/findings.py",
    "results/compare/ledger.py",
    "results/compare/parts.py",
    "results/compare/row_keys.py",
    "results/compare/submitted_input.py",
    "results/compare/tally.py",
    "results/compare/unmatched.py",
    "results/download.py",
    "results/errors.py",
    "results/growing_file.py",
    "results/output/arrow_columns.py",
    "results/output/convert.py",
    "results/output/csv_rows.py",
    "results/output/parquet.py",
    "results/range_workers.py",
    "results/read_ahead.py",
    "results/table/answers.py",
    "results/table/header.py",
    "results/table/number_forms.py",
    "results/table/plain_rows.py",
    "results/table/rows.py",
    "results/table/whole_lines.py",
    "results/work_thread.py",
    "submission/balance.py",
    "submission/clean_up.py",
    "submission/former_task_ids.py",
    "submission/former_tasks.py",
    "submission/gate.py",
    "submission/identity.py",
    "submission/instance_journal.py",
    "submission/journal.py",
    "submission/local_store.py",
    "submission/record.py",
    "submission/record_format.py",
    "submission/s3_store.py",
    "submission/settle_steps.py",
    "submission/settlement.py",
    "submission/spending.py",
    "submission/spending_check.py",
    "submission/stores.py",
    "submission/submitter.py",
    "submission/unsettled.py",
    "submission/variable_store.py",
)


def all_modules(root: Path) -> list[str]:
    """
    Return the modules that are changed, as paths below the package.

    :param root: the checkout
    """
    package = root / PACKAGE
    found = (path for folder in FOLDERS for path in (package / folder).rglob("*.py") if path.name != "__init__.py")
    return sorted({path.relative_to(package).as_posix() for path in found} - set(LEFT_OUT))


def files_for(module: str) -> tuple[str, ...]:
    """Return the tests of a module, below ``tests``: those of the table, or the file of its name."""
    folder, _, name = module.partition("/")
    return TESTS.get(module) or (f"{folder}/test_{name.rpartition('/')[2]}",)


def picked_modules(root: Path, patterns: Sequence[str]) -> list[str]:
    """
    Return the modules that a pattern picks, as paths below the package.

    :param root: the checkout
    :param patterns: such as ``polling``, ``polling/interval`` or ``results/*``; none picks those of :data:`DONE`
    """
    if not patterns:
        return list(DONE)
    return [module for module in all_modules(root) if any(_is_picked(module, pattern) for pattern in patterns)]


def _is_picked(module: str, pattern: str) -> bool:
    return any(fnmatch(module, form) for form in (pattern, f"{pattern}.py", f"{pattern.rstrip('/')}/*"))
