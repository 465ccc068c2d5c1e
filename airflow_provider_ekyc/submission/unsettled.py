"""
What is reported of a submission that is not settled: the XCom ``unsettled`` of ``EkycSubmitOperator``.

The record in the journal decides what may be sent. This is for a person who looks at the task: where that record is,
what was sent, and what is known of its cost. Ids, counts, amounts and an address alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.submission.record import Intent, IntentState, Scope
from airflow_provider_ekyc.submission.spending import Estimate, amount_text

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.journal import SubmissionRecords

#: The state of a submission that was announced and then certainly not accepted.
NOT_ACCEPTED = "not_accepted"


class UnsettledReport:
    """
    Reports a submission before it is sent, and what is known when its outcome is not.

    :param push: takes the XCom's value, and never raises an error
    :param scope: of the list at hand
    :param task_type: what is verified
    :param rows: numbers of the list at hand
    :param price: of one number, or None
    :param try_number: of the Airflow task
    """

    def __init__(
        self,
        push: Callable[[Mapping[str, Any]], object],
        scope: Scope,
        task_type: str,
        rows: int,
        price: Decimal | None,
        try_number: int,
    ) -> None:
        self._push = push
        self._scope = scope
        self._task_type = task_type
        self._rows = rows
        self._price = price
        self._try_number = try_number
        self._last: dict[str, Any] | None = None

    def sending(self, records: SubmissionRecords, intent: Intent) -> None:
        """
        Report that a list is about to be sent.

        :param records: of the list
        :param intent: as it is recorded
        """
        self._report(records, intent, IntentState.SENDING.value, None)

    def unknown(self, records: SubmissionRecords, intent: Intent | None, balance: float | None = None) -> None:
        """
        Report that the outcome of a submission is unknown.

        :param records: of the list, which may be another than the one at hand
        :param intent: as it is recorded; None if its record can't be found
        :param balance: of the account now, if known
        """
        self._report(records, intent, IntentState.UNKNOWN.value, balance)

    def ended(self, records: SubmissionRecords, found: Intent | None) -> None:
        """
        Report what is left when this try ends with another error: nothing of what was not accepted.

        :param records: of the list at hand
        :param found: what an earlier try has left, if its outcome is still unknown
        """
        if found is not None and found.is_open:
            self._report(records, found, found.state.value, None)
        elif self._last is not None and self._last["state"] == IntentState.SENDING.value:
            self._push({**self._last, "state": NOT_ACCEPTED})

    def _report(self, records: SubmissionRecords, intent: Intent | None, state: str, balance: float | None) -> None:
        rows = self._rows if intent is None else intent.rows
        estimate = Estimate(self._task_type, rows, self._price)
        self._last = {
            "state": state,
            "name": records.name,
            "record": records.address,
            "store": records.store_kind,
            "rows": rows,
            "task_type": self._task_type,
            "fingerprint": self._scope.fingerprint if intent is None else intent.fingerprint,
            "started_at": None if intent is None else intent.started_at,
            "try_number": self._try_number if intent is None else intent.try_number,
            "possible_ids": [] if intent is None else list(intent.possible_ids),
            "possibly_charged": 1 if intent is None else intent.possibly_charged,
            "balance_before": None if intent is None else amount_text(intent.balance),
            "balance_after": amount_text(balance),
            "price": amount_text(estimate.price),
            "estimated_cost": amount_text(estimate.cost),
        }
        self._push(self._last)
