"""One transfer of a remote task's results: what there is to do, with its arguments read."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace as changed
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.exceptions import EkycApiError, EkycLandingError, EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, check_members
from airflow_provider_ekyc.results.compare.comparison import Reconciliation
from airflow_provider_ekyc.results.compare.expectation import promised
from airflow_provider_ekyc.results.compare.sent import Sent, read_sent
from airflow_provider_ekyc.results.compare.understood import answer_mismatch, form_mismatch, remarks
from airflow_provider_ekyc.results.compare.verdict import judge
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.errors import NOTHING_LANDED, failed_download
from airflow_provider_ekyc.results.exported import require_exported
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.results.output.convert import Output, convert
from airflow_provider_ekyc.results.output.output_format import OutputFormat, RowContext
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.s3.object import Place
from airflow_provider_ekyc.s3.result_object import UNMATCHED, Landed
from airflow_provider_ekyc.s3.target import S3Target
from airflow_provider_ekyc.spool import Spool, spool_file

if TYPE_CHECKING:
    from airflow_provider_ekyc.hooks.ekyc import EkycHook
    from airflow_provider_ekyc.submission.record import Submission

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TransferJob:
    """
    A transfer.

    :param place: where the result is to be
    :param task_type: what was verified
    :param columns: what is known of the table's columns; None if only the archive itself is checked
    :param replace: whether another object may be overwritten
    :param submission: what was said when it was submitted, None if that is not known
    :param sent: what was sent, None if it is not to be compared number by number
    :param warn: whether what does not match is landed all the same
    :param spool_dir: directory for the spool files, None for the system's
    :param connections: to the result's store, and then to S3, at the most
    """

    ekyc_task_id: str
    place: Place
    output_format: OutputFormat
    task_type: str
    columns: ColumnNames | None
    replace: bool
    submission: Submission | None
    sent: Sent | None
    warn: bool
    spool_dir: str | None
    connections: int

    def run(self, hook: EkycHook, client: Any, extra_args: Mapping[str, Any]) -> Landed:
        """
        Land the result, unless an earlier try has.

        The unmatched numbers are landed first, so that where the result is, everything is.

        :param client: boto3's S3 client
        :param extra_args: further arguments of ``put_object``
        :raises EkycError: if it can't be landed, or S3 did not say whether it is; no partial object is visible
        """
        target = S3Target(self.place.bucket, self.place.key, client, extra_args)
        place = self.sent.unmatched_place if self.sent else None
        unmatched = None if place is None else S3Target(place.bucket, place.key, client, extra_args)
        landed = target.find(self.ekyc_task_id, self.output_format.name, replace=self.replace)
        if landed is not None:
            log.info("%s is there already, landed by an earlier try, and is whole; nothing was downloaded.", target.uri)
            if unmatched is not None and landed.unmatched_uri != unmatched.uri:
                log.warning(
                    "The try that landed it landed no unmatched numbers at %s; its log may say why. If it was not "
                    "asked to, delete the result and clear this task, which asks for the result again.",
                    unmatched.uri,
                )
            return landed
        if unmatched is not None:
            unmatched.find(self.ekyc_task_id, UNMATCHED, replace=self.replace)
        with ExitStack() as stack:
            task, output, reconciliation = self._bring(stack, hook)
            landed = self._reconcile(stack, task, output, reconciliation, unmatched)
            landed = target.put(
                cast("Spool", output.file),
                landed,
                content_type=self.output_format.media_type,
                replace=self.replace,
                connections=self.connections,
            )
        counts = (landed.rows, landed.yes, landed.no, landed.unknown, landed.distinct, landed.contradictions)
        rows, yes, no, unknown, distinct, contradictions = ("unknown" if n is None else f"{n:,}" for n in counts)
        log.info(
            "Landed %s: %s rows (%s yes, %s no, %s unknown), %s different numbers, %s contradictions, %s bytes, "
            "SHA-256 %s.",
            *(self.place.uri, rows, yes, no, unknown, distinct, contradictions, f"{landed.size:,}", landed.sha256),
        )
        return landed

    def _bring(self, stack: ExitStack, hook: EkycHook) -> tuple[Task, Output, Reconciliation]:
        """Download the archive, and check and convert it meanwhile."""
        archive = stack.enter_context(spool_file(self.spool_dir))
        growing = GrowingFile(archive)
        # Of what is made meanwhile: closed before it is made a second time.
        early_stack = stack.enter_context(ExitStack())
        try:
            task = require_exported(hook.get_task(self.ekyc_task_id))
            urls = [task.result_url or ""]

            def fresh_url() -> str:
                return urls.pop() if urls else require_exported(hook.get_task(self.ekyc_task_id)).result_url or ""

            # Within the stack: its files are closed when this thread has ended, also if this one is told to end.
            with _thread("ekyc-check", partial(self._convert, early_stack, growing, task), growing) as early:
                brought = download(hook.result_connection, fresh_url, growing, connections=self.connections)
                log.info("Downloaded %s bytes.", f"{brought.size:,}")
        except EkycApiError as error:
            raise failed_download(error) from None
        if growing.is_invalid:
            # What was made of an archive that changed on the way is void, its errors too.
            early_stack.close()
            output, reconciliation = self._convert(stack, archive, task)
        else:
            output, reconciliation = early.result()
        if output.file is None:
            output = changed(output, file=archive, size=brought.size, sha256=brought.sha256)
        return task, output, reconciliation

    def _convert(self, stack: ExitStack, archive: GrowingFile | Spool, task: Task) -> tuple[Output, Reconciliation]:
        reconciliation = Reconciliation(self.submission, stack.enter_context(spool_file(self.spool_dir)))
        if self.columns is None:
            return Output(check_members(cast("BinaryIO", archive))), reconciliation
        all_failed = promised(task, self.submission).all_failed
        reader = ArchiveReader(cast("BinaryIO", archive), self.columns, may_be_empty=all_failed)
        failed = threading.Event()

        def is_stopped() -> bool:
            return failed.is_set() or (isinstance(archive, GrowingFile) and archive.is_invalid)

        # Within the stack, as in _bring. What was sent is read beside what came back.
        with ThreadPoolExecutor(1, "ekyc-sent") as pool:
            try:
                if self.sent:
                    reading = pool.submit(read_sent, reconciliation, self.sent, is_stopped)
                output = convert(
                    reader,
                    self.output_format,
                    RowContext(self.ekyc_task_id, self.task_type, task.updated_at),
                    stack.enter_context(spool_file(self.spool_dir)),
                    reconciliation.add_rows,
                )
                if self.sent:
                    reading.result()
            except BaseException:
                failed.set()
                raise
        return output, reconciliation

    def _judge(self, mismatch: str) -> None:
        if not mismatch:
            return
        if not self.warn:
            raise EkycResultError(
                f"{mismatch} {NOTHING_LANDED} Clear this task to download the result again; if it is the same then, "
                f"ask the vendor, or land it as it is with on_mismatch='warn'."
            )
        log.warning("%s It is landed all the same (on_mismatch='warn').", mismatch)

    def _reconcile(
        self,
        stack: ExitStack,
        task: Task,
        output: Output,
        reconciliation: Reconciliation,
        unmatched: S3Target | None,
    ) -> Landed:
        """Count and compare; land the numbers that did not come back; return what there is to say of the result."""
        summary, promise = output.summary, promised(task, self.submission)
        landed = self._described(output)
        for remark in remarks(summary, is_archive=self.output_format.writer is None):
            log.warning("%s", remark)
        if not summary.is_read:
            if self.sent is not None:
                log.warning("Not compared with what was sent: check='archive' reads no number.")
            return landed
        file = stack.enter_context(spool_file(self.spool_dir))
        found, not_compared, is_compared = reconciliation.result(file)
        if not_compared is not None:
            log.warning("Not compared with what was sent, number by number: %s", not_compared.reason)
        verdict = judge(summary, found, promise, self.submission, is_compared=is_compared)
        for level, sentences in ((logging.WARNING, verdict.warnings), (logging.INFO, verdict.notes)):
            for sentence in sentences:
                log.log(level, "%s", sentence)
        understood = (answer_mismatch(summary, all_failed=promise.all_failed), form_mismatch(summary))
        self._judge(" ".join([*verdict.mismatches, *filter(None, understood)]))
        landed = changed(
            landed,
            distinct=found.returned,
            contradictions=found.contradictions,
            missing=None if promise.total is None else max(promise.total - found.returned, 0),
        )
        if not is_compared:
            return landed
        if unmatched is None:
            return changed(landed, unmatched=found.count)
        self._land_unmatched(unmatched, file, found.count)
        return changed(landed, unmatched=found.count, unmatched_uri=unmatched.uri)

    def _described(self, output: Output) -> Landed:
        summary = output.summary
        return Landed(
            ekyc_task_id=self.ekyc_task_id,
            s3_uri=self.place.uri,
            output_format=self.output_format.name,
            rows=summary.rows if summary.is_read else None,
            yes=summary.yes if summary.is_read else None,
            no=summary.no if summary.is_read else None,
            unknown=summary.unknown if summary.is_read else None,
            size=output.size,
            sha256=output.sha256,
        )

    def _land_unmatched(self, target: S3Target, file: Spool, count: int) -> None:
        file.seek(0)
        unmatched = Landed(
            ekyc_task_id=self.ekyc_task_id,
            s3_uri=target.uri,
            output_format=UNMATCHED,
            rows=count,
            yes=0,
            no=0,
            unknown=0,
            size=file.seek(0, 2),
            sha256=_sha256(file),
        )
        # What an earlier try of this remote task left there was no result yet, and may be replaced.
        is_ours = target.find(self.ekyc_task_id, UNMATCHED, replace=self.replace) is not None
        there = target.put(file, unmatched, content_type="text/plain; charset=utf-8", replace=self.replace or is_ours)
        if there.sha256 != unmatched.sha256:
            raise EkycLandingError(
                f"Another try of this remote task has landed another list at {target.uri} meanwhile. The result was "
                f"not landed. A retry asks for the result again. The submission is already paid for and will not be "
                f"charged again."
            )
        log.info("Landed %s: the %s numbers that did not come back.", target.uri, f"{count:,}")


@contextmanager
def _thread(name: str, work: Callable[[], T], growing: GrowingFile) -> Iterator[Future[T]]:
    """
    Work on ``growing`` in a thread of its own, which has ended when this has.

    Any error ends its reading first, a signal's as well, which may come while the thread is waited for. So what is
    waited for is its future: a ``join`` that was interrupted takes the thread for ended (bpo-45274).
    """
    pool = ThreadPoolExecutor(1, name)
    future = None
    try:
        future = pool.submit(work)
        yield future
        wait([future])
    except BaseException:
        growing.invalidate()
        wait([future] if future else [])
        raise
    finally:
        pool.shutdown(wait=False)


def _sha256(file: Spool) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
