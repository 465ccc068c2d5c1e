"""
Submissions of the same run by tasks that the DAG no longer has.

Airflow adds a task whose id is new to the runs under way, and to an earlier run that is cleared. Where a submit task
was renamed, or moved into or out of a task group, the list of such a run was submitted under the old id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.record import Intent, Receipt
from airflow_provider_ekyc.submission.settle_steps import settle_steps

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.identity import TaskIdentity
    from airflow_provider_ekyc.submission.journal import SubmissionRecords
    from airflow_provider_ekyc.submission.stores import Stores


@dataclass(frozen=True, slots=True)
class FormerSubmission:
    """
    What a task that the DAG no longer has recorded of a list.

    :param task_id: of that task
    :param records: of the list, under that id
    :param record: the receipt, or an intent whose outcome is not known
    """

    task_id: str
    records: SubmissionRecords
    record: Receipt | Intent


class FormerTasks:
    """
    The tasks that have run in the same run as this one, and that the DAG no longer has.

    :param task: this one
    :param task_ids: asks Airflow for their ids, of any operator
    :param stores_of: returns the stores of a task
    """

    def __init__(
        self,
        task: TaskIdentity,
        task_ids: Callable[[], Iterable[str]],
        stores_of: Callable[[TaskIdentity], Stores],
    ) -> None:
        self._task = task
        self._task_ids = task_ids
        self._stores_of = stores_of

    def find(self, own: SubmissionRecords) -> FormerSubmission | None:
        """
        Return what one of them has recorded of a list: a receipt, else an open intent, else None.

        :param own: this task's records of the list
        :raises EkycJournalError: if the ids, a store or a record can't be read, or a record that must be there is gone
        """
        try:
            task_ids = sorted({*self._task_ids()} - {self._task.task_id})
        except EkycJournalError as error:
            raise error.with_steps("If a retry does not help:", *settle_steps(own.address)) from None
        unsettled = None
        for task_id in task_ids:
            # A task may have been moved into a loop: then its list was recorded outside of one.
            for iteration in dict.fromkeys((self._task.iteration, None)):
                former = replace(self._task, task_id=task_id, iteration=iteration)
                journal = Journal(former, self._stores_of(former))
                records = journal.submission(own.name)
                record = records.find()
                if isinstance(record, Receipt):
                    return FormerSubmission(task_id, records, record)
                if record is None and own.name in journal.read_begun():
                    raise _record_is_gone(task_id, records)
                if record is not None and record.is_open:
                    unsettled = unsettled or FormerSubmission(task_id, records, record)
        return unsettled


def _record_is_gone(task_id: str, records: SubmissionRecords) -> EkycJournalError:
    settle = records.settle_instructions()
    return EkycJournalError(
        f"This list may have been charged. {settle}. Task {task_id!r} of this run, which the DAG no longer has, began "
        f"to submit it, and its record can't be found now: it was deleted, or this worker does not share its "
        f"directory. Nothing was sent now."
    ).with_steps(*settle_steps(records.address), advice=f"{settle}.")
