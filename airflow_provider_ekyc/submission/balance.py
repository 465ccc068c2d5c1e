"""The account's balance around a submission: a free query, which a submission can do without."""

from __future__ import annotations

import logging
from typing import Protocol

from airflow_provider_ekyc.api.models import Balance
from airflow_provider_ekyc.exceptions import EkycApiError, EkycProxyError
from airflow_provider_ekyc.log_lines import warn

log = logging.getLogger(__name__)


class BalanceApi(Protocol):
    """The query, as ``EkycHook`` has it."""

    def get_balance(self, *, once: bool = False) -> Balance:
        """Query the balance; free."""
        ...


def balance_before(api: BalanceApi) -> float | None:
    """
    Return the balance before a submission is sent; None if the query fails and the submission may go on without it.

    :raises EkycApiError: if the submission would fail in the same way: the key is wrong, the account is empty, or
        another server answers
    """
    try:
        return api.get_balance().balance
    except EkycApiError as error:
        if error.status in (401, 402) and not error.retryable:
            raise
        # A gateway may know the other calls and not this one (404, 405). Any other page would answer the
        # submission too, and then it is not known whether it was accepted.
        if isinstance(error, EkycProxyError) and error.status not in (404, 405):
            shown = f"{error.message} No submission was sent. A retry queries the balance again."
            raise error.with_message(shown) from None
        warn(log, f"The submission continues without knowing the balance. {error}")
        return None


def balance_now(api: BalanceApi) -> float | None:
    """Return the balance after a submission whose outcome is unknown; None if the query fails."""
    try:
        return api.get_balance(once=True).balance
    except EkycApiError as error:
        warn(log, f"The balance is not known. {error}")
        return None
