"""
May this list be sent now? What the records of a task allow, and what a person has to settle first.

Nothing here sends: :mod:`airflow_provider_ekyc.submission.submitter` does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycError,
    EkycInProgressError,
    EkycJournalError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.submission.record import Intent, IntentState, Scope
from airflow_provider_ekyc.submission.settle_steps import possible_id_steps, settle_steps

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.identity import TaskIdentity
    from airflow_provider_ekyc.submission.journal import Journal, SubmissionRecords
    from airflow_provider_ekyc.submission.unsettled import UnsettledReport

log = logging.getLogger(__name__)

#: How often one list is sent, over all tries of a task until a person clears it. That a refusal is free is documented
#: by the vendor, not proven.
MOST_SENDS = 5


class SubmissionGate:
    """
    Stops a list that may already be paid for.

    :param journal: of the task
    :param records: of the list
    :param scope: of the list
    :param task: the Airflow task
    :param resubmit: whether a submission whose outcome is unknown is sent again by the next try
    :param balance_now: asks for the account's balance; free
    :param report: is given what keeps a list from being sent
    """

    def __init__(
        self,
        journal: Journal,
        records: SubmissionRecords,
        scope: Scope,
        task: TaskIdentity,
        *,
        resubmit: bool,
        balance_now: Callable[[], float | None],
        report: UnsettledReport,
    ) -> None:
        self._journal = journal
        self._records = records
        self._scope = scope
        self._task = task
        self._resubmit = resubmit
        self._balance_now = balance_now
        self._report = report
        #: Whether an earlier try of the list was killed while it sent: it has counted nothing.
        self.found_killed = False

    def sends_so_far(self, found: Intent | None) -> int:
        """
        Return how often the list was sent since a person last cleared the task, if it may be sent now.

        :param found: what is recorded of the list
        :raises EkycUnknownOutcomeError: if this list, or another of this task in this run, may be charged already
        :raises EkycInProgressError: if another map index is submitting the same list
        :raises EkycError: ``send_limit`` if it was sent too often
        :raises EkycJournalError: if a record that must be there can't be found
        """
        if found is None:
            self._require_records()
        elif found.is_open:
            self._require_settled(found)
        self._require_others_settled(is_known=found is not None)
        return self._count(found)

    @property
    def has_begun(self) -> bool:
        """Whether an earlier try of this task instance has begun to submit this list."""
        return self._scope.name in self._journal.begun

    def require_former_settled(self, task_id: str, records: SubmissionRecords, intent: Intent) -> None:
        """
        Stop if a task that the DAG no longer has may have submitted this list, unless the user wants it sent again.

        :param task_id: of that task
        :param records: of the list, under that id
        :param intent: what they hold; it is open
        :raises EkycUnknownOutcomeError: if its outcome is unknown
        :raises EkycInProgressError: if that task may be sending it
        """
        began = f"task {task_id!r} of this run, which the DAG no longer has, began to submit it ({intent.shown})"
        settle = records.settle_instructions()
        steps = settle_steps(records.address, intent.possible_ids)
        if intent.state is IntentState.SENDING:
            raise EkycInProgressError(
                f"This list may be in the middle of its upload: {began}. Nothing was sent now. If that task still "
                f"runs, a retry finds its remote task. If it does not run any more: {settle}."
            ).with_steps(
                "If that task does not run any more:", *steps, advice=f"If it does not run any more: {settle}."
            )
        if not self._resubmit:
            raise EkycUnknownOutcomeError(
                f"This list may have been charged. {settle}. Until its task id was changed, {began}; that submission "
                f"has no receipt. It may or may not have been accepted and charged. Nothing was sent now.",
                outcome=Outcome.UNKNOWN,
            ).with_steps(*steps, advice=f"{settle}.")
        warn(
            log,
            f"The outcome is unknown of an earlier submission of this list: {began}. It is sent again, as "
            f"on_unknown_outcome='resubmit' requests, and may be charged twice.",
        )

    def limit_error(self, intent: Intent, last: str = "") -> EkycError:
        """
        Return the error for a list that was sent as often as it may be without a clear.

        :param last: message of the last failure, if this try has sent it
        """
        outcome = "its outcome is unknown" if intent.is_open else "it was refused each time, which is free"
        failure = f" {last}" if last else ""
        return EkycError(
            f"This list was sent {intent.sends} times over the tries of this task; {outcome}. It is not sent again "
            f"automatically.{failure} When the API works again, clear this task: that starts a new count. Fingerprint "
            f"{self._scope.fingerprint}; record {self._records.address}.",
            kind="send_limit",
            charge=Charge.POSSIBLE if intent.is_open else Charge.NONE,
        )

    def instructions(self, intent: Intent) -> str:
        """Return what a person can do about an unknown outcome."""
        ids = f" The answer contains a possible remote id: {', '.join(intent.possible_ids)}." * bool(
            intent.possible_ids
        )
        if self._resubmit:
            return f"The next try sends this list again, as on_unknown_outcome='resubmit' requests.{ids}"
        settle = self._records.settle_instructions()
        return f"This list may have been charged. {settle}. It is not sent again automatically.{ids}"

    def steps(self, intent: Intent) -> tuple[str, ...]:
        """Return the same for a log, with each key and id alone on its line."""
        if self._resubmit:
            return (
                "Clear this task: its next try sends this list again, as on_unknown_outcome='resubmit' requests.",
                *possible_id_steps(intent.possible_ids),
            )
        return settle_steps(self._records.address, intent.possible_ids)

    @property
    def advice(self) -> str:
        """What :meth:`instructions` and :meth:`steps` have in common."""
        return "" if self._resubmit else f"{self._records.settle_instructions()}."

    def evidence(self, intent: Intent) -> str:
        """Report an unknown outcome, and return what is known of it beside its record."""
        balance = self._balance_now()
        self._report.unknown(self._records, intent, balance)
        return (
            f"Fingerprint {self._scope.fingerprint}; balance before {amount(intent.balance)}, now "
            f"{amount(balance)} (evidence, not proof: others may use the account, and a charge may be "
            f"booked late)."
        )

    def _require_records(self) -> None:
        """Never treat an absent record as "not submitted" where another record says otherwise."""
        scope, begun = self._scope, self._journal.begun
        if scope.name in begun:
            self._report.unknown(self._records, None)
            raise EkycJournalError(
                f"This list may have been charged. {self._records.settle_instructions()}. An earlier try of this task "
                f"began to submit it and recorded that in {begun[scope.name].journal}; that record can't be found now: "
                f"it was deleted, or this worker does not share its directory. Nothing was sent now."
            ).with_steps(*settle_steps(self._records.address), advice=f"{self._records.settle_instructions()}.")
        for name, other in begun.items():
            if other.fingerprint == scope.fingerprint and self._may_be_paid(name):
                warn(
                    log,
                    f"An earlier try of this task submitted this list to {other.api} (account {other.account}): see "
                    f"{other.journal}. The connection now names {scope.api} (account {scope.account}), so it is "
                    f"submitted there, and charged.",
                )
        if self._task.try_number > 1 and self._journal.is_first_record:
            warn(
                log,
                f"This is try {self._task.try_number}, and no earlier try has left a record: it ended before it began "
                f"to submit, or the records were deleted. The list is submitted now; if an earlier try submitted it, "
                f"it is charged twice.",
            )

    def _may_be_paid(self, name: str) -> bool:
        record = self._journal.submission(name).find()
        return not isinstance(record, Intent) or record.is_open

    def _require_others_settled(self, *, is_known: bool) -> None:
        """Stop while another list of this task in this run has an unknown outcome: this may be the same numbers."""
        for name in self._journal.begun:
            if name == self._scope.name:
                continue
            other = self._journal.submission(name)
            record = other.find()
            if record is None or (isinstance(record, Intent) and record.is_open and not self._resubmit):
                shown = "its record can't be found" if record is None else record.shown
                self._report.unknown(other, record)
                raise EkycUnknownOutcomeError(
                    f"Another list may have been charged. {other.settle_instructions()}. An earlier try of this task "
                    f"submitted another list, and its outcome is unknown ({shown}). This list may contain the same "
                    f"numbers. Nothing was sent now.",
                    outcome=Outcome.UNKNOWN,
                ).with_steps(
                    "Settle another list of this task first.",
                    *settle_steps(other.address),
                    advice=f"{other.settle_instructions()}.",
                )
        if is_known or self._resubmit or self._task.map_index < 0:
            return
        for other, intent in self._journal.unknown_elsewhere(self._scope.name):
            self._report.unknown(other, intent)
            raise EkycUnknownOutcomeError(
                f"Settle {other.address} first: write the remote id into it, or 'send again'. The list of another map "
                f"index of this task has an unknown outcome ({intent.shown}), and this list is new, so it may be the "
                f"same numbers. Nothing was sent now. Then clear this task.",
                outcome=Outcome.UNKNOWN,
            ).with_steps(
                "Settle the list of another map index first.",
                *settle_steps(other.address, intent.possible_ids),
                advice=f"Settle {other.address} first: write the remote id into it, or 'send again'.",
            )

    def _require_settled(self, intent: Intent) -> None:
        """Stop at an open intent, unless the user wants the list sent again."""
        if intent.state is IntentState.SENDING and intent.map_index != self._task.map_index:
            raise EkycInProgressError(
                f"Another map index of this task is submitting the same list ({intent.shown}; record "
                f"{self._records.address}). Nothing was sent now. A retry finds its remote task. If no such task runs "
                f"any more: {self._records.settle_instructions()}."
            ).with_steps(
                "If no other map index of this task runs any more:",
                *settle_steps(self._records.address),
                advice=f"If no such task runs any more: {self._records.settle_instructions()}.",
            )
        self.found_killed = intent.state is IntentState.SENDING
        if self._resubmit:
            return
        if self.found_killed:
            # Its try has ended: from now on other map indexes see it, too.
            self._records.note(replace(intent, state=IntentState.UNKNOWN))
        raise EkycUnknownOutcomeError(
            f"{self.instructions(intent)} An earlier submission of this list has no receipt ({intent.shown}): its "
            f"try was killed, received no clear answer, or is still running. It may or may not have been accepted and "
            f"charged. Nothing was sent now. {self.evidence(intent)}",
            outcome=Outcome.UNKNOWN,
        ).with_steps(*self.steps(intent), advice=self.advice)

    def _count(self, found: Intent | None) -> int:
        """Count the sends; a clear raises the task's ``max_tries``, by which it starts a new count."""
        if found is None:
            return 0
        sends = found.sends if found.max_tries == self._task.max_tries else 0
        if sends >= MOST_SENDS:
            raise self.limit_error(found)
        if found.is_open:
            warn(
                log,
                f"An earlier submission of this list has an unknown outcome ({found.shown}). It is sent again, as "
                f"on_unknown_outcome='resubmit' requests, and may be charged twice.",
            )
        return sends


def amount(balance: float | None) -> str:
    """Return a balance as it stands in a message."""
    return "unknown" if balance is None else f"{balance:,.2f}"
