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

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycLandingError,
    EkycNotExportedError,
    EkycResultError,
    EkycTaskFailedError,
)
from airflow_provider_ekyc.results.archive import ArchiveSummary, check_members
from airflow_provider_ekyc.results.arrival import Arrival
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.expectation import row_mismatch
from airflow_provider_ekyc.results.formats import Converted, Output, Told, convert
from airflow_provider_ekyc.results.header import ColumnNames
from airflow_provider_ekyc.results.landed import UNMATCHED, Landed, Place, describe
from airflow_provider_ekyc.results.landing import find_landed, land
from airflow_provider_ekyc.results.reconciliation import Reconciliation, number_mismatch
from airflow_provider_ekyc.results.understood import answer_mismatch, form_mismatch, have_all_failed, remarks
from airflow_provider_ekyc.results.unmatched import LeftOut
from airflow_provider_ekyc.spool import Spool, spool_file
from airflow_provider_ekyc.transfers.sent import Sent, read_sent

if TYPE_CHECKING:
    from airflow_provider_ekyc.hooks.ekyc import EkycHook

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TransferJob:
    """
    A transfer.

    :param place: where the result is to lie
    :param output_format: one of ``results.formats.FORMATS``
    :param reads_table: whether the table is read and checked; if not, only the archive itself is
    :param number_column: name of the number's column, if it is none of the known ones
    :param result_column: name of the answer's column, if there are several
    :param replace: whether another object may be overwritten
    :param sent: what was sent, or None if nothing is to be compared
    :param warn: whether what does not match is landed all the same
    :param spool_dir: directory for the spool files, None for the system's
    """

    ekyc_task_id: str
    place: Place
    output_format: str
    task_type: str
    reads_table: bool
    number_column: str | None
    result_column: str | None
    replace: bool
    sent: Sent | None
    warn: bool
    spool_dir: str | None

    def run(self, hook: EkycHook, client: Any, extra_args: Mapping[str, Any]) -> Landed:
        """
        Land the result, unless an earlier try has.

        The unmatched numbers are landed first, so that where the result lies, everything lies.

        :param client: boto3's S3 client
        :param extra_args: further arguments of ``put_object``
        :raises EkycError: if it can't be landed, or S3 did not say whether it is; nothing half is visible
        """
        unmatched_place = self.sent.unmatched_place if self.sent else None
        landed = self._find(client, self.place, self.output_format, extra_args)
        if landed is not None:
            log.info("%s is there already, landed by an earlier try; nothing was downloaded.", self.place.uri)
            if unmatched_place is not None and landed.unmatched_uri != unmatched_place.uri:
                log.warning(
                    "The try that landed it landed no unmatched numbers at %s; its log may say why. If it was not "
                    "asked to, delete the result and clear this task, which asks for the result again.",
                    unmatched_place.uri,
                )
            return landed
        if unmatched_place is not None:
            self._find(client, unmatched_place, UNMATCHED, extra_args)
        with ExitStack() as stack:
            task, output, reconciliation = self._bring(stack, hook)
            self._check_understood(output.summary, task)
            landed = describe(self.place, self.ekyc_task_id, output)
            if reconciliation is not None:
                landed = self._reconcile(stack, reconciliation, landed, client, extra_args)
            landed = land(
                client,
                self.place,
                output.file,
                landed,
                content_type=output.content_type,
                replace=self.replace,
                extra_args=extra_args,
            )
        counts = (landed.rows, landed.yes, landed.no, landed.unknown)
        rows, yes, no, unknown = ("unknown" if count is None else f"{count:,}" for count in counts)
        log.info(
            "Landed %s: %s rows (%s yes, %s no, %s unknown), %s bytes, SHA-256 %s.",
            *(self.place.uri, rows, yes, no, unknown, f"{landed.size:,}", landed.sha256),
        )
        return landed

    def _find(self, client: Any, place: Place, output_format: str, extra_args: Mapping[str, Any]) -> Landed | None:
        return find_landed(client, place, self.ekyc_task_id, output_format, replace=self.replace, extra_args=extra_args)

    def _bring(self, stack: ExitStack, hook: EkycHook) -> tuple[Task, Output, Reconciliation | None]:
        """Download the archive, and check and convert it meanwhile."""
        archive = stack.enter_context(spool_file(self.spool_dir))
        arrival = Arrival(archive)
        # Of what is made meanwhile: closed before it is made a second time.
        early_stack = stack.enter_context(ExitStack())
        try:
            task = _exported(hook.get_task(self.ekyc_task_id))
            urls = [task.result_url or ""]

            def fresh_url() -> str:
                return urls.pop() if urls else _exported(hook.get_task(self.ekyc_task_id)).result_url or ""

            # Within the stack: its files are closed when this thread has ended, also if this one is told to end.
            with _thread("ekyc-check", partial(self._convert, early_stack, arrival, task), arrival) as early:
                brought = download(hook.open_result, fresh_url, arrival)
                log.info("Downloaded %s bytes.", f"{brought.size:,}")
        except EkycApiError as error:
            raise _with_cost(error) from None
        if arrival.is_spoiled:
            # What was made of an archive that changed on the way is void, its errors too.
            early_stack.close()
            converted, reconciliation = self._convert(stack, archive, task)
        else:
            converted, reconciliation = early.result()
        return task, converted.output(archive, brought), reconciliation

    def _convert(
        self, stack: ExitStack, archive: Arrival | Spool, task: Task
    ) -> tuple[Converted, Reconciliation | None]:
        if not self.reads_table:
            return Converted(check_members(cast("BinaryIO", archive)), self.output_format, None), None
        reconciliation = None
        failed = threading.Event()

        def is_stopped() -> bool:
            return failed.is_set() or (isinstance(archive, Arrival) and archive.is_spoiled)

        # Within the stack, as in _bring. What was sent is read beside what came.
        with ThreadPoolExecutor(1, "ekyc-sent") as pool:
            try:
                if self.sent:
                    spool = stack.enter_context(spool_file(self.spool_dir))
                    reconciliation = Reconciliation(self.sent.submission, spool)
                    reading = pool.submit(read_sent, reconciliation, self.sent, is_stopped)
                converted = convert(
                    cast("BinaryIO", archive),
                    self.output_format,
                    Told(self.ekyc_task_id, self.task_type, task.updated_at),
                    stack.enter_context(spool_file(self.spool_dir)),
                    names=ColumnNames(self.number_column, self.result_column, self.task_type),
                    take=reconciliation.take if reconciliation else None,
                    may_be_empty=have_all_failed(task),
                )
                if reconciliation:
                    reading.result()
            except BaseException:
                failed.set()
                raise
        return converted, reconciliation

    def _check_understood(self, summary: ArchiveSummary, task: Task) -> None:
        for remark in remarks(summary, self.output_format):
            log.warning("%s", remark)
        if not summary.is_read:
            if self.sent:
                log.warning("Not compared with what was sent: check='archive' reads no row.")
            return
        self._judge(row_mismatch(summary.rows, task))
        self._judge(answer_mismatch(summary, task))
        self._judge(form_mismatch(summary))

    def _judge(self, mismatch: str | None) -> None:
        if mismatch is None:
            return
        if not self.warn:
            raise EkycResultError(
                f"{mismatch} Nothing was landed; the submission stays paid. Clear this task to download it again; if "
                f"it stays so, ask the vendor, or land it as it is with on_mismatch='warn'."
            )
        log.warning("%s It is landed all the same (on_mismatch='warn').", mismatch)

    def _reconcile(
        self,
        stack: ExitStack,
        reconciliation: Reconciliation,
        landed: Landed,
        client: Any,
        extra_args: Mapping[str, Any],
    ) -> Landed:
        file = stack.enter_context(spool_file(self.spool_dir))
        found = reconciliation.result(file)
        if isinstance(found, LeftOut):
            log.warning("Not compared with what was sent, so it is not known what is missing: %s", found.reason)
            return landed
        self._judge(number_mismatch(found))
        log.log(
            logging.WARNING if found.strange else logging.INFO,
            "Of %s numbers that were sent %s did not come back; %s came back that were not sent.",
            *(f"{n:,}" for n in (found.sent, found.count, found.strange)),
        )
        place = self.sent.unmatched_place if self.sent else None
        if place is None:
            return changed(landed, unmatched=found.count)
        self._land_unmatched(client, place, file, found.count, extra_args)
        return changed(landed, unmatched=found.count, unmatched_uri=place.uri)

    def _land_unmatched(
        self, client: Any, place: Place, file: Spool, count: int, extra_args: Mapping[str, Any]
    ) -> None:
        file.seek(0)
        unmatched = Landed(
            ekyc_task_id=self.ekyc_task_id,
            s3_uri=place.uri,
            output_format=UNMATCHED,
            rows=count,
            yes=0,
            no=0,
            unknown=0,
            size=file.seek(0, 2),
            sha256=_sha256(file),
        )
        # What an earlier try of this remote task left there was no result yet, and may be replaced.
        is_ours = self._find(client, place, UNMATCHED, extra_args) is not None
        there = land(
            client,
            place,
            file,
            unmatched,
            content_type="text/plain; charset=utf-8",
            replace=self.replace or is_ours,
            extra_args=extra_args,
        )
        if there.sha256 != unmatched.sha256:
            raise EkycLandingError(
                f"Another try of this remote task has landed another list at {place.uri} meanwhile. The result was not "
                f"landed; the submission stays paid. A retry asks for the result again."
            )
        log.info("Landed %s: the %s numbers that did not come back.", place.uri, f"{count:,}")


@contextmanager
def _thread(name: str, work: Callable[[], T], arrival: Arrival) -> Iterator[Future[T]]:
    """
    Work on ``arrival`` in a thread of its own, which has ended when this has.

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
        arrival.spoil()
        wait([future] if future else [])
        raise
    finally:
        pool.shutdown(wait=False)


def _sha256(file: Spool) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _with_cost(error: EkycApiError) -> EkycApiError:
    """Add what a failure of the API, or of the download, means here."""
    again = " A retry asks for the result again." if error.retryable else ""
    return EkycApiError(
        f"{error.message} Nothing was landed; the submission stays paid.{again}",
        status=error.status,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def _exported(task: Task) -> Task:
    """
    Return the task if its results can be downloaded.

    :raises EkycTaskFailedError: if the vendor gave it up
    :raises EkycNotExportedError: if it is not there yet
    """
    if task.status is TaskStatus.FAILED:
        raise EkycTaskFailedError(
            f"Remote task {task.ekyc_task_id} has failed: it has no results. Nothing was landed; a retry can't help. "
            f"To submit anew, which is charged again, start a new run; or delete this submission's entries from its "
            f"journal (the log of EkycSubmitOperator names them) and clear EkycSubmitOperator."
        )
    if task.status is not TaskStatus.EXPORTED:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is not exported yet ({task.status.value}). Nothing was landed. Put an "
            f"EkycTaskSensor before this task; a retry asks again."
        )
    if not task.result_url:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is exported, but the API named no place of its result. Nothing was "
            f"landed; the submission stays paid. A retry asks again; if it stays so, ask the vendor."
        )
    return task
