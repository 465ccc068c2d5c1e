"""What a whole list will cost, and whether that is within the limits, before the first of its files is submitted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.preparation.manifest import Manifest
from airflow_provider_ekyc.submission.balance import BalanceApi
from airflow_provider_ekyc.submission.spending import Estimate, SpendingLimits, amount_text
from airflow_provider_ekyc.submission.spending_check import check_spending

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListMoney:
    """
    The money side of one list.

    :param api: the hook, asked for the balance if a limit needs it
    :param limits: of all files together
    :param task_type: what will be verified
    :param price: of one number; None if the connection has none
    """

    api: BalanceApi
    limits: SpendingLimits
    task_type: str
    price: Decimal | None

    def check(self, to_send: int, files: int, fresh: int | None) -> dict[str, Any]:
        """
        Check the limits, for all files together.

        :param to_send: numbers in the files
        :param files: how many these are; with none nothing is checked
        :param fresh: numbers that are not verified again; None if that was not looked for
        :return: amounts as text, each None if it is not known: ``price``, ``estimate``, ``saved`` and ``balance``
        :raises EkycSpendingError: if a limit is exceeded, or that can't be known
        :raises EkycApiError: if the key is wrong or the account is empty
        """
        estimate = Estimate(self.task_type, to_send, self.price, files=files)
        saved = None if fresh is None else Estimate(self.task_type, fresh, self.price).cost
        if fresh is not None and saved is not None:
            log.info("Not verifying %s again saves %s.", counted(fresh, "fresh number"), f"{amount_text(saved)}")
        balance = None
        if files:
            log.info("Cost of all files together: %s.", estimate.shown)
            balance = check_spending(self.api, self.limits, estimate)
        return {
            "price": amount_text(self.price),
            "estimate": amount_text(estimate.cost),
            "saved": amount_text(saved),
            "balance": amount_text(balance),
        }

    def check_earlier(self, manifest: Manifest, shown: str) -> None:
        """
        Check the limits for files that an earlier try has prepared: they may have been lowered since.

        The balance is not checked: part of the files may be paid for already.

        :param manifest: of the earlier try
        :param shown: address of the manifest, for the error
        :raises EkycSpendingError: if a limit of rows or cost is exceeded, or that can't be known; the files may be
            submitted already
        """
        rows = sum(file.rows for file in manifest.files)
        estimate = Estimate(self.task_type, rows, self.price, files=len(manifest.files), earlier=shown)
        replace(self.limits, min_balance_after=None).check(estimate)
