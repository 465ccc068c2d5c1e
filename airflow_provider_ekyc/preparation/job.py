"""Prepare lists for submission: read, leave out what need not be sent, check the cost, write files and a manifest."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycDestinationError,
    EkycError,
    EkycNumbersError,
)
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED, Destination
from airflow_provider_ekyc.preparation.destinations import Target
from airflow_provider_ekyc.preparation.earlier import find_earlier
from airflow_provider_ekyc.preparation.even_split import even_sizes
from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists
from airflow_provider_ekyc.preparation.manifest import Manifest
from airflow_provider_ekyc.preparation.money import ListMoney
from airflow_provider_ekyc.preparation.output_files import write_files
from airflow_provider_ekyc.preparation.own_output import OwnOutput
from airflow_provider_ekyc.preparation.reading import MAX_PLACES, Reading
from airflow_provider_ekyc.preparation.rejects import Rejects
from airflow_provider_ekyc.preparation.report import Report
from airflow_provider_ekyc.preparation.tidy import Tidier
from airflow_provider_ekyc.spool import Spool, spool_file

if TYPE_CHECKING:
    from airflow_provider_ekyc.history.freshness import Freshness

log = logging.getLogger(__name__)

#: What decides whether rows are read as numbers.
_CHECK = "Check column, header, delimiter, normalise and default_region"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationJob:
    """
    A preparation, its arguments read.

    :param lists: what is read
    :param tidier: reads a row that is not a number as it stands
    :param drop_invalid: whether invalid rows are left out, or fail the preparation
    :param min_rows: fewest rows of a file
    :param max_rows: most rows of a file
    :param destination: of the files
    :param manifest: of this task instance, in the same place
    :param task: hex digest of DAG, run, task and map index
    :param try_number: of the task instance, from 1; a clear goes on counting
    :param arguments: hex digest of the arguments that decide what is prepared
    :param rejects: where rejected rows are written; None if they are not
    :param find_fresh: leaves out the numbers that need not be verified again; None if each is verified
    :param money: checks the cost of all files together
    :param spool_dir: directory for the temporary files, default the system's
    :param killed: whether the task was killed meanwhile
    """

    lists: ListArguments
    tidier: Tidier
    drop_invalid: bool
    min_rows: int
    max_rows: int
    destination: Destination
    manifest: Target
    task: str
    try_number: int
    arguments: str
    rejects: Target | None
    find_fresh: Callable[[DistinctNumbers], Freshness] | None
    money: ListMoney
    spool_dir: str | os.PathLike[str] | None
    killed: Callable[[], bool]

    def run(self) -> Manifest:
        """
        Prepare the lists, unless an earlier try of this task instance has.

        :raises EkycError: nothing was submitted; no manifest was written
        """
        self.destination.prepare()
        if self.rejects is not None:
            self.rejects.destination.prepare()
        earlier = self._find_earlier()
        if earlier is not None:
            log.info(
                "An earlier try of this task has prepared this list, in %s; it is returned, and nothing was read. "
                "To prepare it again, check that nothing of it was submitted, delete %s, and clear this task.",
                *(counted(len(earlier.files), "file"), self.manifest.uri),
            )
            return earlier
        if self.try_number > 1:
            warn(
                log,
                f"This is try {self.try_number}, and there is no manifest of an earlier try at "
                f"{shown_path(self.manifest.uri)}: no earlier try has prepared files, the manifest was deleted, or "
                f"destination_uri was another one. The list is prepared now; if an earlier try's files were submitted, "
                f"and the list has changed since, its files are other submissions, which are charged.",
            )
        with ExitStack() as stack:
            numbers = stack.enter_context(DistinctNumbers(self.spool_dir))
            spool = stack.enter_context(spool_file(self.spool_dir)) if self.rejects is not None else None
            return self._prepare(numbers, spool)

    def _prepare(self, numbers: DistinctNumbers, rejects_spool: Spool | None) -> Manifest:
        rejects = None if rejects_spool is None else Rejects(rejects_spool)
        reading = Reading(numbers, self.tidier, rejects, self._stop_if_killed)
        own = OwnOutput(self.manifest, self.rejects, self.lists.numbers)
        own.refuse_around()
        with open_lists(self.lists, own.refuse) as lists:
            for opened in lists:
                reading.read(opened)
        if rejects is not None and rejects_spool is not None and self.rejects is not None:
            sums = rejects.finish()
            self.rejects.destination.write(self.rejects.name, rejects_spool, sums, "text/csv")
        self._check_invalid(reading)
        duplicates = numbers.find_duplicates()
        distinct = numbers.kept
        self._check_minimum(reading, distinct, duplicates)
        freshness = self.find_fresh(numbers) if self.find_fresh is not None and distinct else None
        held_back = numbers.kept if numbers.kept < self.min_rows else 0
        report = Report(
            sources=reading.lists,
            rows_read=reading.rows,
            blank=reading.blank,
            invalid=dict(reading.invalid),
            changed=dict(self.tidier.changes),
            duplicates=duplicates,
            held_back=held_back,
            to_send=numbers.kept - held_back,
            **_known_of(freshness),
        )
        for line in report.lines():
            log.info("%s", line)
        if held_back:
            log.warning(
                "%s held back for a later run: fewer than the minimum of %s that the API accepts.",
                *(f"{counted(held_back, 'number')} {'is' if held_back == 1 else 'are'}", f"{self.min_rows:,}"),
            )
        return self._write(numbers, report)

    def _write(self, numbers: DistinctNumbers, report: Report) -> Manifest:
        sizes = even_sizes(report.to_send, least=self.min_rows, most=self.max_rows) if report.to_send else []
        money = self.money.check(report.to_send, len(sizes), report.fresh)
        self._stop_if_killed()
        written = write_files(
            numbers.kept_blocks() if sizes else (),
            sizes,
            self.destination,
            spool_dir=self.spool_dir,
            before_file=self._stop_if_killed,
        )
        manifest = Manifest(self.task, self.arguments, tuple(written), report.as_dict() | {"money": money})
        if not manifest.files:
            log.info("Nothing to verify: no file was written, and the list of files is empty.")
            return manifest
        self._stop_if_killed()
        if not self.manifest.destination.create(self.manifest.name, manifest.as_bytes()):
            return self._prepared_meanwhile()
        log.info(
            "Wrote %s to %s in %s.",
            *(counted(report.to_send, "number"), counted(len(sizes), "file"), self.destination.uri("")),
        )
        return manifest

    def _prepared_meanwhile(self) -> Manifest:
        """Return what another try has prepared since this one began: its files may be submitted already."""
        earlier = self._find_earlier()
        if earlier is None:
            raise EkycDestinationError(
                f"{shown_path(self.manifest.uri)} was written and deleted while the list was prepared. "
                f"{NOTHING_CHARGED} A retry prepares the list again.",
                retryable=True,
            )
        log.warning("Another try of this task has prepared the list meanwhile; its files are returned.")
        return earlier

    def _find_earlier(self) -> Manifest | None:
        earlier = find_earlier(self.manifest, task=self.task, arguments=self.arguments)
        if earlier is not None:
            self.money.check_earlier(earlier, shown_path(self.manifest.uri))
        return earlier

    def _check_invalid(self, reading: Reading) -> None:
        invalid = sum(reading.invalid.values())
        valid = reading.rows - reading.blank - invalid
        if reading.rows >= self.min_rows and not invalid and not valid:
            # A wrong column, or a join that finds nothing: a success with nothing to verify would hide it. Fewer rows
            # could not be submitted in any case, such as the one line end of an empty list.
            raise EkycNumbersError(
                f"Check column, header and delimiter, or the query: no row is left. All {reading.rows:,} rows are "
                f"blank. {NOTHING_CHARGED} Then clear this task. A list without any row is no error."
            )
        if not invalid or (self.drop_invalid and valid):
            return
        advice = (
            f"{_CHECK}: no row is left."
            if self.drop_invalid
            else 'Correct these rows, or leave them out with invalid="drop".'
        )
        raise EkycNumbersError(f"{advice} {self._invalid_rows(reading)} {NOTHING_CHARGED} Then clear this task.")

    def _check_minimum(self, reading: Reading, distinct: int, duplicates: int) -> None:
        if not 0 < distinct < self.min_rows:
            return
        invalid = sum(reading.invalid.values())
        few = (
            f"{counted(distinct, 'number')} {'is' if distinct == 1 else 'are'} left of {counted(reading.rows, 'row')} "
            f"({reading.blank:,} blank, {duplicates:,} duplicate and {invalid:,} invalid rows left out): fewer than "
            f"the minimum of {self.min_rows:,}."
        )
        if invalid:
            few = f"{_CHECK}. {few} {self._invalid_rows(reading)}"
        raise EkycNumbersError(
            f"{few} {NOTHING_CHARGED} Put more numbers into one list or change row_limits on the connection if the "
            f"vendor's minimum has changed."
        )

    def _invalid_rows(self, reading: Reading) -> str:
        """Return how many rows are invalid and why, where the first ones are, and which file has all of them."""
        invalid = sum(reading.invalid.values())
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reading.invalid.items()))
        more = ", …" if invalid > MAX_PLACES else ""
        where = f" {self.rejects.uri} has all of them." if self.rejects is not None else ""
        return (
            f"{invalid:,} of {reading.rows:,} rows are invalid ({reasons}): {', '.join(reading.places)}{more}.{where}"
        )

    def _stop_if_killed(self) -> None:
        if self.killed():
            raise EkycError(
                "The task was killed before the list was prepared. Nothing was submitted or charged. A retry prepares "
                "it again.",
                kind="killed",
                retryable=True,
                charge=Charge.NONE,
            )


def _known_of(freshness: Freshness | None) -> dict[str, int | None]:
    if freshness is None:
        return {}
    return {
        "fresh": freshness.fresh,
        "stale": freshness.stale,
        "new": freshness.new,
        "stale_or_new": freshness.stale_or_new,
        "history_files_read": freshness.files_read,
        "history_files_skipped": freshness.files_skipped,
        "history_rows_read": freshness.rows_read,
    }
