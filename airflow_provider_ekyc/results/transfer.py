"""One transfer of a remote task's results: download, check, convert, compare, and put them into S3."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace as changed
from functools import cache, partial
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from airflow_provider_ekyc.exceptions import EkycApiError, EkycKeyTakenError, EkycLandingError, EkycResultError
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.results.archive.check import ArchiveReader, check_members
from airflow_provider_ekyc.results.compare.comparison import Compared, Comparison
from airflow_provider_ekyc.results.compare.ledger import LARGEST_RESULT
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.errors import NOTHING_LANDED, download_error
from airflow_provider_ekyc.results.exported import require_exported
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.results.output.convert import Output, convert
from airflow_provider_ekyc.results.output.output_format import OutputFormat, RowContext
from airflow_provider_ekyc.results.work_thread import working
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.s3.result_object import UNMATCHED, Landed
from airflow_provider_ekyc.spans import span
from airflow_provider_ekyc.spool import Spool, spool_file

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.api.result_connection import ResultConnection
    from airflow_provider_ekyc.results.compare.findings import Findings
    from airflow_provider_ekyc.results.compare.submitted_input import SubmittedInput
    from airflow_provider_ekyc.results.table.header import ColumnNames
    from airflow_provider_ekyc.s3.file_sums import FileSums
    from airflow_provider_ekyc.s3.target import S3Target
    from airflow_provider_ekyc.submission.record import Submission

log = logging.getLogger(__name__)


class ResultSource(Protocol):
    """Where the result comes from, such as ``EkycHook``."""

    def get_task(self, ekyc_task_id: str) -> Task:
        """Request the task from the API."""

    def result_connection(self) -> ResultConnection:
        """Return a connection to the store that has the result, a context manager for one thread."""


@dataclass(frozen=True, slots=True)
class TransferJob:
    """
    A transfer, with its arguments read.

    :param task_type: what was verified
    :param columns: what is known of the table's columns; None if only the archive itself is checked
    :param replace: whether another object may be overwritten
    :param submission: what the submit operator returned with it; None if that is not known
    :param submitted: its input; None if the result is not to be compared number by number
    :param warn: whether a result that does not match is landed, with a warning
    :param spool_dir: directory for the spool files, None for the system's
    :param connections: to the result's store, and then to S3, at the most
    """

    ekyc_task_id: str
    output_format: OutputFormat
    task_type: str
    columns: ColumnNames | None
    replace: bool
    submission: Submission | None
    submitted: SubmittedInput | None
    warn: bool
    spool_dir: str | None
    connections: int

    def run(self, source: ResultSource, target: S3Target, unmatched_target: S3Target | None = None) -> Landed:
        """
        Land the result, unless an earlier try has.

        The unmatched numbers are landed first: where the result is, they were, too.

        :param unmatched_target: for the numbers that were sent and are not in the result
        :raises EkycError: if it can't be landed, or S3 did not say whether it is; no partial object is visible
        """
        earlier = self._find_earlier(target, unmatched_target)
        if earlier is not None:
            return earlier
        with ExitStack() as stack:
            output, comparison = self._download_and_convert(stack, source)
            numbers = stack.enter_context(spool_file(self.spool_dir))
            is_archive = self.output_format.writer is None

            @cache
            def confirmed() -> Landed:
                compared = counted()
                self._check_mismatch(compared.findings)
                if unmatched_target is not None and compared.unmatched is not None:
                    self._land_unmatched(unmatched_target, numbers, compared.unmatched)
                return self._landed_result(target, unmatched_target, output, compared)

            counted = stack.enter_context(
                working("ekyc-count", partial(comparison.finish, output.summary, numbers, is_archive=is_archive))
            )
            with span("ekyc.upload", ekyc_task_id=self.ekyc_task_id, bytes=cast("FileSums", output.sums).size):
                landed = target.put(
                    cast("Spool", output.file),
                    cast("FileSums", output.sums),
                    self._landed_result(target, unmatched_target, output, comparison.likely(output.summary)),
                    content_type=self.output_format.media_type,
                    replace=self.replace,
                    confirm=confirmed,
                    connections=self.connections,
                )
        counts = (landed.rows, landed.yes, landed.no, landed.unknown, landed.distinct, landed.contradictions)
        rows, yes, no, unknown, distinct, contradictions = ("unknown" if n is None else f"{n:,}" for n in counts)
        log.info(
            "Landed %s: %s rows (%s yes, %s no, %s unknown), %s different numbers, %s contradictions, %s bytes, "
            "SHA-256 %s.",
            *(target.uri, rows, yes, no, unknown, distinct, contradictions, f"{landed.size:,}", landed.sha256),
        )
        return landed

    def _find_earlier(self, target: S3Target, unmatched_target: S3Target | None) -> Landed | None:
        """Look at both keys before any request to the API; return the result that an earlier try has landed."""
        landed = target.find(self.ekyc_task_id, self.output_format.name, replace=self.replace)
        if landed is None:
            if unmatched_target is not None:
                unmatched_target.find(self.ekyc_task_id, UNMATCHED, replace=self.replace)
            return None
        log.info("%s already contains the result, landed by an earlier try; nothing was downloaded.", target.uri)
        if unmatched_target is not None and landed.unmatched_uri != unmatched_target.uri:
            log.warning(
                "The try that landed it landed no unmatched numbers at %s; its log may say why. If it was not "
                "asked to, delete the result and clear this task, which requests the result again.",
                unmatched_target.uri,
            )
        elif unmatched_target is not None and not self._is_still_there(unmatched_target):
            return changed(landed, unmatched_uri=None)
        return landed

    def _is_still_there(self, unmatched_target: S3Target) -> bool:
        """Look whether the list of unmatched numbers that was landed with the result is at its key; warn if not."""
        try:
            # Not with replace, which would say that the list is landed again.
            if unmatched_target.find(self.ekyc_task_id, UNMATCHED, replace=False) is not None:
                return True
        except EkycKeyTakenError:
            pass
        log.warning(
            "The list of unmatched numbers that was landed with it is not at %s any more as it was landed: it was "
            "deleted, changed or overwritten. Nothing there was touched; unmatched_uri is null. To land the list "
            "again, delete the result and what is at that key, and clear this task, which requests the result again.",
            unmatched_target.uri,
        )
        return False

    def _download_and_convert(self, stack: ExitStack, source: ResultSource) -> tuple[Output, Comparison]:
        """Download the archive, and check and convert it meanwhile."""
        archive = stack.enter_context(spool_file(self.spool_dir))
        growing = GrowingFile(archive)
        # Of what is made meanwhile: closed before it is made a second time.
        early_stack = stack.enter_context(ExitStack())
        try:
            task = require_exported(source.get_task(self.ekyc_task_id))
            urls = [task.result_url or ""]

            def fresh_url() -> str:
                return urls.pop() if urls else require_exported(source.get_task(self.ekyc_task_id)).result_url or ""

            # Within the stack: its files are closed when this thread has ended, also if this one is killed.
            check = partial(self._check_and_convert, early_stack, growing, task)
            with working("ekyc-check", check, growing.invalidate) as early:
                with span("ekyc.download", ekyc_task_id=self.ekyc_task_id) as step:
                    sums = download(source.result_connection, fresh_url, growing, connections=self.connections)
                    step.set(bytes=sums.size)
                log.info("Downloaded %s bytes.", f"{sums.size:,}")
        except EkycApiError as error:
            raise download_error(error) from None
        if growing.is_invalid:
            # What was made of an archive that changed during the download is void, its errors too.
            early_stack.close()
            output, comparison = self._check_and_convert(stack, archive, task)
        else:
            output, comparison = early()
        if output.file is None:
            output = changed(output, file=archive, sums=sums)
        return output, comparison

    def _check_and_convert(
        self, stack: ExitStack, archive: GrowingFile | Spool, task: Task
    ) -> tuple[Output, Comparison]:
        file = cast("BinaryIO", archive)
        spool = stack.enter_context(spool_file(self.spool_dir))
        # Where no other format is made, there is room for the numbers.
        held = LARGEST_RESULT if self.output_format.writer is None else None
        comparison = stack.enter_context(closing(Comparison(task, self.submission, self.submitted, spool, held)))
        if self.columns is None:
            return Output(check_members(file)), comparison
        with comparison.reading_input(lambda: isinstance(archive, GrowingFile) and archive.is_invalid):
            output = convert(
                ArchiveReader(file, self.columns, may_be_empty=comparison.expected.all_failed),
                self.output_format,
                RowContext(self.ekyc_task_id, self.task_type, task.updated_at),
                stack.enter_context(spool_file(self.spool_dir)),
                comparison.add_rows,
            )
        return output, comparison

    def _check_mismatch(self, findings: Findings) -> None:
        """Log what was found; raise if the result is not what was sent, unless it is to be landed with a warning."""
        for level, sentences in ((logging.WARNING, findings.warnings), (logging.INFO, findings.notes)):
            for sentence in sentences:
                log.log(level, "%s", sentence)
        if not findings.mismatches:
            return
        mismatch = " ".join(findings.mismatches)
        if not self.warn:
            raise EkycResultError(
                f"{mismatch} {NOTHING_LANDED} Clear this task to download the result again; if it is the same then, "
                f"ask the vendor, or land it as it is with on_mismatch='warn'."
            )
        warn(log, f"{mismatch} It is landed because on_mismatch='warn'.")

    def _landed_result(
        self, target: S3Target, unmatched_target: S3Target | None, output: Output, compared: Compared
    ) -> Landed:
        summary, sums = output.summary, cast("FileSums", output.sums)
        unmatched_uri = None if unmatched_target is None or compared.unmatched is None else unmatched_target.uri
        return Landed(
            ekyc_task_id=self.ekyc_task_id,
            s3_uri=target.uri,
            output_format=self.output_format.name,
            rows=summary.rows if summary.is_read else None,
            yes=summary.yes if summary.is_read else None,
            no=summary.no if summary.is_read else None,
            unknown=summary.unknown if summary.is_read else None,
            size=sums.size,
            sha256=sums.sha256,
            unmatched=compared.unmatched,
            unmatched_uri=unmatched_uri,
            distinct=compared.distinct,
            contradictions=compared.contradictions,
            missing=compared.missing,
        )

    def _land_unmatched(self, target: S3Target, file: Spool, count: int) -> None:
        sums = sums_of(file)
        unmatched = Landed(
            ekyc_task_id=self.ekyc_task_id,
            s3_uri=target.uri,
            output_format=UNMATCHED,
            rows=count,
            yes=0,
            no=0,
            unknown=0,
            size=sums.size,
            sha256=sums.sha256,
        )
        # What an earlier try of this remote task left there was no result yet, and may be replaced.
        is_ours = target.find(self.ekyc_task_id, UNMATCHED, replace=self.replace) is not None
        there = target.put(
            file,
            sums,
            unmatched,
            content_type="text/plain; charset=utf-8",
            replace=self.replace or is_ours,
            connections=self.connections,
        )
        if there.sha256 != sums.sha256:
            raise EkycLandingError(
                f"Another try of this remote task has landed another list at {target.uri} meanwhile. The result was "
                f"not landed. A retry requests the result again. The submission is already paid for and will not be "
                f"charged again."
            ).with_steps("Clear this task when no other task lands the result of this remote task.")
        log.info("Landed %s: the %s numbers that are not in the result.", target.uri, f"{count:,}")
