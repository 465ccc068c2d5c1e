"""Operator that submits a file of phone numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_errors import airflow_errors
from airflow_provider_ekyc.airflow_sdk import BaseOperator
from airflow_provider_ekyc.arguments import read_bool, read_choice, read_task_type, read_text
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.links.addresses import console_address
from airflow_provider_ekyc.links.ekyc import EkycConsoleLink, EkycPageLink, show, show_row
from airflow_provider_ekyc.redaction import without_query
from airflow_provider_ekyc.reported import report
from airflow_provider_ekyc.xcom_keys import SUBMISSION, SUMMARY, UNSETTLED

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, ObjectStoragePath, XComArg


class EkycSubmitOperator(BaseOperator):
    """
    Check a file of phone numbers and submit it; **each accepted submission is charged**.

    Lines are trimmed, blank lines and duplicates dropped, and each line is checked to be E.164. Invalid input fails
    the task before any call. The file is never loaded into memory as a whole; spool files on disk have no name.

    Returns the remote task's id. A second XCom, ``submission``, holds ids and counts: ``ekyc_task_id``,
    ``task_type``, ``fingerprint``, ``lines_read``, ``blank``, ``duplicates``, ``invalid``, ``rows``, ``total``,
    ``submitted_at``, ``input_sha256``, ``content_key``, ``price``, ``estimated_cost``, ``balance_before``,
    ``balance_after`` (amounts as text).

    Each submission is recorded before it is sent and after it was accepted. A retry, a clear, or a run after a change
    of a mapped list finds the record by the numbers and the task type, and returns the remote task that is paid for.

    Three more XComs are for the UI: ``summary``, one line of text; ``unsettled``, written before a list is sent and
    when the outcome is unknown; ``failure``, why a task has failed.

    A submission whose outcome is unknown (time-out, lost connection, 502/503/504, an answer that is not the API's)
    fails without a retry, whatever ``retries`` is: it may have been charged.

    :param numbers: a local path, an ``s3://`` address, or any URI that Airflow's object storage opens, as text, a
        ``Path`` or an ``ObjectStoragePath``; one number a line (templated)
    :param task_type: what to verify (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param aws_conn_id: Airflow connection to read an ``s3://`` address with (templated)
    :param numbers_conn_id: Airflow connection to read any other URI with (templated)
    :param check_e164: whether each line must be an E.164 number; disable it for task types that verify
        something else, such as e-mail addresses (templated)
    :param invalid: ``fail`` (default), or ``drop`` to leave invalid lines out and count them (templated)
    :param spool_dir: directory for the spool files, default the system's (templated)
    :param journal_uri: where submissions are recorded: ``s3://bucket/prefix``, or an absolute path that all workers
        share (templated). By default ``journal_uri`` of the connection, else ``[ekyc] journal_uri`` of Airflow's
        configuration, else Airflow Variables whose keys begin with ``ekyc_submission_``
    :param journal_conn_id: Airflow connection for a journal in S3 (templated)
    :param on_unknown_outcome: ``fail`` (default): a submission that may have been charged is never sent again
        automatically; ``resubmit``: the next try sends it again (templated)
    :param max_rows: fail before the upload if more numbers than these would be sent (templated)
    :param max_cost: fail before the upload if they would cost more, by the connection's ``prices`` (templated)
    :param min_balance_after: fail before the upload if less would be left of the account's balance, or if the balance
        is not known (templated)
    """

    template_fields: Sequence[str] = (
        "numbers",
        "ekyc_task_type",
        "ekyc_conn_id",
        "aws_conn_id",
        "numbers_conn_id",
        "check_e164",
        "invalid",
        "spool_dir",
        "journal_uri",
        "journal_conn_id",
        "on_unknown_outcome",
        "max_rows",
        "max_cost",
        "min_balance_after",
    )
    ui_color = "#d8ecd8"
    operator_extra_links = (EkycPageLink(), EkycConsoleLink())

    def __init__(
        self,
        *,
        numbers: str | PathLike[str] | ObjectStoragePath | XComArg,
        task_type: str = "amazon",
        ekyc_conn_id: str = EkycHook.default_conn_name,
        aws_conn_id: str | None = "aws_default",
        numbers_conn_id: str | None = None,
        check_e164: bool | str = True,
        invalid: str = "fail",
        spool_dir: str | None = None,
        journal_uri: str | None = None,
        journal_conn_id: str | None = "aws_default",
        on_unknown_outcome: str = "fail",
        max_rows: int | str | None = None,
        max_cost: Decimal | float | str | None = None,
        min_balance_after: Decimal | float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.numbers = numbers
        self.ekyc_task_type = task_type  # task_type itself is Airflow's name for the operator's class
        self.ekyc_conn_id = ekyc_conn_id
        self.aws_conn_id = aws_conn_id
        self.numbers_conn_id = numbers_conn_id
        self.check_e164 = check_e164
        self.invalid = invalid
        self.spool_dir = spool_dir
        self.journal_uri = journal_uri
        self.journal_conn_id = journal_conn_id
        self.on_unknown_outcome = on_unknown_outcome
        self.max_rows = max_rows
        self.max_cost = max_cost
        self.min_balance_after = min_balance_after
        # A template or a task upstream may turn a limit into None, which must not mean "no limit".
        limits = {"max_rows": max_rows, "max_cost": max_cost, "min_balance_after": min_balance_after}
        self._limited_by = [name for name, limit in limits.items() if limit is not None]
        self._killed = False

    def execute(self, context: Context) -> str:
        """Submit the file and return the remote task's id."""
        from airflow_provider_ekyc.metrics import submit_counted
        from airflow_provider_ekyc.numbers.address import read_numbers, shown_path
        from airflow_provider_ekyc.numbers.prepare import prepared_numbers
        from airflow_provider_ekyc.numbers.source import open_numbers
        from airflow_provider_ekyc.operators.downstream_buckets import check_buckets
        from airflow_provider_ekyc.operators.requirements import check_downstream
        from airflow_provider_ekyc.submission.former_task_ids import former_task_ids
        from airflow_provider_ekyc.submission.former_tasks import FormerTasks
        from airflow_provider_ekyc.submission.identity import identity_of
        from airflow_provider_ekyc.submission.journal import Journal
        from airflow_provider_ekyc.submission.spending import SpendingLimits
        from airflow_provider_ekyc.submission.stores import open_stores
        from airflow_provider_ekyc.submission.submitter import Submitter
        from airflow_provider_ekyc.summaries import submit_summary
        from airflow_provider_ekyc.tracing import task_span

        show_row(context)
        with airflow_errors(self, context), task_span("ekyc.submit", context.get("ti")) as step:
            check_downstream(self)
            check_buckets(self, context)
            numbers = read_numbers(self.numbers)
            task_type = read_task_type(self.ekyc_task_type)
            check = read_bool("check_e164", self.check_e164)
            invalid = read_choice("invalid", self.invalid, ("fail", "drop"))
            unknown = read_choice("on_unknown_outcome", self.on_unknown_outcome, ("fail", "resubmit"))
            limits = SpendingLimits.read(
                max_rows=self.max_rows,
                max_cost=self.max_cost,
                min_balance_after=self.min_balance_after,
                given=self._limited_by,
            )
            hook = EkycHook(self.ekyc_conn_id)
            settings = hook.settings
            min_rows, max_rows = settings.limits(task_type)
            task = identity_of(context["ti"], context.get("loop"), context.get("dag_run"))
            stores_of = partial(
                open_stores,
                uri=read_text("journal_uri", self.journal_uri) if self.journal_uri else None,
                aws_conn_id=self.journal_conn_id or None,
                connection_uri=settings.journal_uri,
            )
            journal = Journal(task, stores_of(task, state_store=context.get("task_state_store")))
            journal.start_try()
            dag = self.get_dag()
            former = None
            if dag is not None and not task.is_test:  # a test makes a run of its own
                former = FormerTasks(task, partial(former_task_ids, context["ti"], dag.task_dict), stores_of)
            with (
                open_numbers(numbers, aws_conn_id=self.aws_conn_id, numbers_conn_id=self.numbers_conn_id) as source,
                prepared_numbers(
                    source,
                    check=check,
                    invalid="drop" if invalid == "drop" else "fail",
                    min_rows=min_rows,
                    max_rows=max_rows,
                    spool_dir=self.spool_dir or None,
                ) as prepared,
            ):
                self.log.info(
                    "Read %s lines of %s: %s numbers to send; dropped %s blank, %s duplicate, %s invalid.",
                    f"{prepared.lines_read:,}",
                    shown_path(without_query(numbers)),
                    *(f"{n:,}" for n in (prepared.rows, prepared.blank, prepared.duplicates, prepared.invalid)),
                )
                submitter = Submitter(
                    hook,
                    journal,
                    task,
                    prepared,
                    task_type,
                    limits=limits,
                    resubmit=unknown == "resubmit",
                    former=former,
                    killed=lambda: self._killed,
                    report=partial(report, context, UNSETTLED),
                )
                submission = submit_counted(submitter, task_type)
                step.set(ekyc_task_id=submission.ekyc_task_id, task_type=task_type, rows=submission.rows)
        pushed = submission.as_dict()
        # If this fails, a retry finds the receipt and pushes it again.
        context["ti"].xcom_push(key=SUBMISSION, value=pushed)
        report(context, SUMMARY, partial(submit_summary, pushed, sent=submitter.is_accepted))
        console_url = hook.settings.console_url or ""
        show(self, context, EkycConsoleLink, console_address(console_url, submission.ekyc_task_id))
        return submission.ekyc_task_id

    def on_kill(self) -> None:
        """Send nothing from now on; the API has no call to cancel what is being sent."""
        self._killed = True
        from airflow_provider_ekyc.log_lines import warn

        warn(
            self.log,
            "Killed. Nothing is sent from now on. A submission that was being sent may have been accepted and charged; "
            "the next try reads its record.",
        )
