"""Operator that submits a file of phone numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_errors import EkycFailException, airflow_errors
from airflow_provider_ekyc.airflow_sdk import BaseOperator
from airflow_provider_ekyc.arguments import read_bool, read_choice, read_text
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.redaction import without_query

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, XComArg
    from airflow_provider_ekyc.journals.record import Journal, Submission


class EkycSubmitOperator(BaseOperator):
    """
    Check a file of phone numbers and submit it; **each accepted submission is charged**.

    Lines are trimmed, blank ones and duplicates dropped, and each is checked to be E.164. What is wrong fails
    the task before any call. The file is never held in memory, and only nameless spool files touch the disk.

    Returns the remote task's id. A second XCom, ``submission``, holds ids and counts: ``ekyc_task_id``,
    ``task_type``, ``fingerprint``, ``lines_read``, ``blank``, ``duplicates``, ``invalid``, ``rows``, ``total``,
    ``submitted_at``, ``input_sha256``.

    A submission whose outcome is unknown (time-out, lost connection, 502/503/504) fails for good, whatever
    ``retries`` says: it may have been charged.

    :param numbers: a local path, an ``s3://`` address, or any URI that Airflow's object storage opens; one number
        a line (templated)
    :param task_type: what to verify (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param aws_conn_id: Airflow connection to read an ``s3://`` address with (templated)
    :param numbers_conn_id: Airflow connection to read any other URI with (templated)
    :param check_e164: whether each line must be an E.164 number; switch it off for task types that take something
        else, such as e-mail addresses (templated)
    :param invalid: ``fail`` (default), or ``drop`` to leave invalid lines out and count them (templated)
    :param spool_dir: directory for the spool files, default the system's (templated)
    :param journal_uri: where submissions are remembered, so that a retry or a clear takes up what was paid:
        ``s3://bucket/prefix``, or an absolute path that all workers share (templated). By default Airflow's task
        state store, which Airflow 3.3 and later has; below that nothing is remembered without a ``journal_uri``
    :param journal_conn_id: Airflow connection for a journal in S3 (templated)
    :param on_unknown_outcome: ``fail`` (default): a submission that may have been charged is never sent again by
        itself; ``resubmit``: the next try sends it again (templated)
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
    )
    ui_color = "#d8ecd8"

    def __init__(
        self,
        *,
        numbers: str | XComArg,
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
        self._killed = False

    def execute(self, context: Context) -> str:
        """Submit the file and return the remote task's id."""
        from airflow_provider_ekyc.numbers.prepare import prepared_numbers
        from airflow_provider_ekyc.numbers.source import open_numbers
        from airflow_provider_ekyc.submission import Submitter

        with airflow_errors():
            numbers = read_text("numbers", self.numbers)
            task_type = read_text("task_type", self.ekyc_task_type)
            check = read_bool("check_e164", self.check_e164)
            invalid = read_choice("invalid", self.invalid, ("fail", "drop"))
            unknown = read_choice("on_unknown_outcome", self.on_unknown_outcome, ("fail", "resubmit"))
            hook = EkycHook(self.ekyc_conn_id)
            min_rows, max_rows = hook.settings.limits(task_type)
            journal = self._journal(context)
            submitter = Submitter(
                hook,
                journal,
                base_url=hook.settings.base_url,
                account=hook.settings.account,
                try_number=context["ti"].try_number,
                resubmit=unknown == "resubmit",
                killed=lambda: self._killed,
            )
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
                    without_query(numbers),
                    *(f"{n:,}" for n in (prepared.rows, prepared.blank, prepared.duplicates, prepared.invalid)),
                )
                submission = submitter.submit(prepared, task_type)
        self._push(context, submission, remembered=journal is not None)
        return submission.ekyc_task_id

    def on_kill(self) -> None:
        """Send nothing that is not under way yet; there is no cancel call for what is."""
        self._killed = True
        self.log.warning(
            "Killed. If a submission was under way it may have been taken and charged; the next try says what the "
            "journal knows of it."
        )

    def _push(self, context: Context, submission: Submission, *, remembered: bool) -> None:
        try:
            context["ti"].xcom_push(key="submission", value=submission.as_dict())
        except Exception as error:
            self.log.error("Remote task %s was accepted, but its XCom could not be pushed.", submission.ekyc_task_id)
            if remembered:
                raise  # a retry takes it up
            raise EkycFailException(
                f"Remote task {submission.ekyc_task_id} was accepted and is paid, but its XCom could not be pushed "
                f"({type(error).__name__}), and no journal remembers it. A retry would pay again, so there is none: "
                f"give this id to EkycTaskSensor and EkycResultsToS3Operator."
            ) from error

    def _journal(self, context: Context) -> Journal | None:
        if self.journal_uri:
            from airflow_provider_ekyc.journals.objects import ObjectJournal, open_store, run_folder

            ti = context["ti"]
            store = open_store(read_text("journal_uri", self.journal_uri), self.journal_conn_id or None)
            return ObjectJournal(store, run_folder(ti.dag_id, ti.task_id, ti.run_id))
        state_store = context.get("task_state_store")
        if state_store is not None:
            from airflow_provider_ekyc.journals.state_store import StateStoreJournal

            return StateStoreJournal(state_store)
        self.log.warning(
            "Nothing remembers this submission: this Airflow has no task state store (3.3 and later has), and there is "
            "no journal_uri. A retry after a kill, and a clear, submit again and pay again."
        )
        return None
