"""
What a user allows to be spent, checked with the account's balance, and shown with what it was before and after.

:mod:`airflow_provider_ekyc.submission.spending` decides; this queries and logs.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.submission.balance import BalanceApi, balance_before
from airflow_provider_ekyc.submission.spending import (
    Estimate,
    SpendingLimits,
    amount_text,
    exact_amount,
    shown_amount,
)

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.record import Intent, Submission

log = logging.getLogger(__name__)


def check_spending(api: BalanceApi, limits: SpendingLimits, estimate: Estimate) -> float | None:
    """
    Check what is about to be sent, with the balance as it is now if a limit needs it.

    :return: the balance; None if no limit needs it
    :raises EkycSpendingError: if a limit does not allow it; retryable if the balance that it needs is not known
    :raises EkycApiError: as :func:`balance_before`
    """
    limits.check(estimate)
    if not limits.need_balance:
        return None
    balance = balance_before(api)
    limits.check_balance(estimate, balance)
    return balance


class SpendingCheck:
    """
    What one submission costs, and the account's balance around it.

    :param api: the hook
    :param limits: what the user allows
    :param estimate: of the list
    """

    def __init__(self, api: BalanceApi, limits: SpendingLimits, estimate: Estimate) -> None:
        self._api = api
        self._limits = limits
        self._estimate = estimate
        #: The balance when it was last queried before the list is sent; None if it is not known.
        self.balance: float | None = None

    def before_record(self, found: Intent | None) -> None:
        """
        Check it for the first time, before anything is recorded.

        The balance is queried whether or not a limit needs it: that turns a wrong key and an empty account into clear
        errors before the upload.

        :param found: what is recorded of the list; what may be charged already counts again
        :raises EkycSpendingError: if a limit does not allow it
        :raises EkycApiError: as :func:`balance_before`
        """
        if found is not None:
            self._estimate = replace(self._estimate, sent_before=found.possibly_charged)
        self._limits.check(self._estimate)
        self.balance = balance_before(self._api)
        self._limits.check_balance(self._estimate, self.balance)
        log.info("Estimated cost: %s. Balance before: %s.", self._estimate.shown, _shown(self.balance))

    def before_send(self, *, refused: bool, first_balance: float | None) -> None:
        """
        Check it again, at the last moment before it is recorded as being sent.

        :param refused: whether this try has sent it already, and it was not accepted
        :param first_balance: before this try sent anything
        :raises EkycSpendingError: if a limit does not allow it any more
        :raises EkycApiError: as :func:`balance_before`
        """
        if not refused and not self._limits.need_balance:
            return
        self.balance = balance_before(self._api)
        if refused and self.balance is not None:
            log.info("Balance before sending again: %s, at first %s.", _shown(self.balance), _shown(first_balance))
        self._limits.check_balance(replace(self._estimate, refused=refused), self.balance)

    def recorded(self, submission: Submission) -> Submission:
        """Return a submission with what is known of its cost when it was accepted."""
        return replace(
            submission,
            price=amount_text(self._estimate.price),
            estimated_cost=amount_text(self._estimate.cost),
            balance_before=amount_text(self.balance),
        )

    def after(self, submission: Submission) -> Submission:
        """
        Return a submission with the balance after it, and log that; it is recorded already.

        One query, which never fails the task: what is paid for is more than its price.
        """
        try:
            balance = self._api.get_balance(once=True).balance
        except EkycError as error:
            warn(log, f"The submission is accepted and recorded; only the balance after it is not known. {error}")
            return submission
        log.info(
            "Balance after: %s, before: %s; estimated cost: %s. Others may use the account, and a charge may be booked "
            "later.",
            _shown(balance),
            _shown(self.balance),
            self._estimate.shown,
        )
        return replace(submission, balance_after=amount_text(balance))


def _shown(balance: float | None) -> str:
    return shown_amount(None if balance is None else exact_amount(balance))
