"""
What a submission will cost, and whether that is within the limits that a user has set. Pure.

An estimate is the rows to send, times the price that the connection has for the task type. The vendor documents
neither prices nor when a charge is taken off the balance, so an estimate is not a bill. What is not known is never
enough: without a price, or without the balance, a limit that needs it refuses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Self

from airflow_provider_ekyc.arguments import read_amount, read_count, read_text
from airflow_provider_ekyc.exceptions import Charge, EkycSettingsError, EkycSpendingError

#: Rows of at most 14 digits, a price of at most 18 digits, a balance of at most 17 and 324 decimals: all exact.
_EXACT = Context(prec=400)


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    What is about to be sent, and what it will cost by the connection's price.

    :param task_type: what is verified
    :param rows: numbers to send, of all files together
    :param price: of one number, :meth:`EkycSettings.price`; None if the connection has none
    :param files: how many files have these rows
    :param sent_before: how often the list was sent before with an outcome that is unknown, each of which may be
        charged
    :param refused: whether this try has sent it already, and it was not accepted, which is free
    :param earlier: address of the manifest of an earlier try that has prepared these files, which may be submitted
        already; None if this try prepares them
    """

    task_type: str
    rows: int
    price: Decimal | None
    files: int = 1
    sent_before: int = 0
    refused: bool = False
    earlier: str | None = None

    @property
    def cost(self) -> Decimal | None:
        """What sending it will cost, in the unit of the account's balance; None without a price."""
        return None if self.price is None else _EXACT.multiply(self.price, Decimal(self.rows))

    @property
    def possible_cost(self) -> Decimal | None:
        """The cost, and that of each time it was sent before; None without a price."""
        return None if self.cost is None else _EXACT.multiply(self.cost, Decimal(1 + self.sent_before))

    @property
    def shown(self) -> str:
        """What it costs, in a message or a log line."""
        if self.price is None:
            return f"not known (the connection has no price of {self.task_type})"
        return f"{shown_amount(self.cost)} ({self.rows:,} numbers at {shown_amount(self.price)})"


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """
    What a user allows at the most; None for no limit.

    :param max_rows: numbers to send
    :param max_cost: what sending them may cost, in the unit of the account's balance
    :param min_balance_after: what must be left of the balance
    :param rows_argument: the argument that has set ``max_rows``, for messages
    """

    max_rows: int | None = None
    max_cost: Decimal | None = None
    min_balance_after: Decimal | None = None
    rows_argument: str = "max_rows"

    @classmethod
    def read(
        cls,
        *,
        max_rows: object = None,
        max_cost: object = None,
        min_balance_after: object = None,
        rows_argument: str = "max_rows",
        given: Collection[str] = (),
    ) -> Self:
        """
        Read the limits from arguments, which a template may have turned into text.

        :param given: names of arguments that were given, though a template or a task may have turned them into None
        :raises EkycSettingsError: if one is neither None nor a number that is not negative; or if one was given and is
            None or empty, which is not "no limit"
        """
        values = {rows_argument: max_rows, "max_cost": max_cost, "min_balance_after": min_balance_after}
        for name in given:
            if values[name] is None:
                raise EkycSettingsError(f"{name} is empty; check the template or the argument.")
        return cls(
            max_rows=None if max_rows is None else read_count(rows_argument, max_rows, least=0, most=10**14),
            max_cost=_read_amount("max_cost", max_cost),
            min_balance_after=_read_amount("min_balance_after", min_balance_after),
            rows_argument=rows_argument,
        )

    @property
    def need_balance(self) -> bool:
        """Whether the balance has to be known."""
        return self.min_balance_after is not None

    def check(self, estimate: Estimate) -> None:
        """
        Refuse what is too much, as far as that is known without the balance.

        :raises EkycSpendingError: if there are too many rows, if they cost too much, or if a limit needs a price that
            the connection does not have; a retry can't help
        """
        if self.max_rows is not None and estimate.rows > self.max_rows:
            raise _exceeded(
                estimate,
                f"Raise {self.rows_argument}, or send fewer numbers. {_subject(estimate)} {estimate.rows:,} numbers "
                f"to send; {self.rows_argument} is {self.max_rows:,}.",
            )
        cost = estimate.possible_cost
        for name, limit in (("max_cost", self.max_cost), ("min_balance_after", self.min_balance_after)):
            if limit is not None and cost is None:
                raise _exceeded(
                    estimate,
                    f"Add the price of {estimate.task_type} to the connection: extra prices, such as "
                    f"{estimate.task_type}=0.001. {name} is {shown_amount(limit)}, and without a price it is not "
                    f"known what {estimate.rows:,} numbers cost.",
                )
        if self.max_cost is not None and cost is not None and cost > self.max_cost:
            raise _exceeded(
                estimate,
                f"Raise max_cost, or send fewer numbers. {_costs(estimate)}; max_cost is "
                f"{shown_amount(self.max_cost)}.",
            )

    def check_balance(self, estimate: Estimate, balance: Decimal | float | None) -> None:
        """
        Refuse what would leave too little on the account.

        :param estimate: accepted by :meth:`check`
        :param balance: of the account now; None if the query failed
        :raises EkycSpendingError: if less would be left; if the balance is not known, it may be retried
        """
        limit, cost = self.min_balance_after, estimate.possible_cost
        if limit is None or cost is None:
            return
        if balance is None:
            raise EkycSpendingError(
                f"The balance is not known, so it can't be checked that min_balance_after={shown_amount(limit)} is "
                f"left. {_ending(estimate)} A retry queries the balance again; the log says why this query failed.",
                retryable=True,
            )
        left = _EXACT.subtract(exact_amount(balance), cost)
        if left < limit:
            raise EkycSpendingError(
                f"Top up the account, lower min_balance_after, or send fewer numbers. {_costs(estimate)}; the balance "
                f"is {shown_amount(exact_amount(balance))}, so {shown_amount(left)} would be left, and "
                f"min_balance_after is {shown_amount(limit)}. {_ending(estimate)}"
            )


#: No limit at all.
NO_LIMITS = SpendingLimits()


def exact_amount(balance: Decimal | float) -> Decimal:
    """Return a balance as the number that is printed: the API answers 0.1, and the nearest float is not quite that."""
    return balance if isinstance(balance, Decimal) else Decimal(str(balance))


def amount_text(amount: Decimal | float | None) -> str | None:
    """Return an amount as an XCom and a record have it: all its digits, a point, no exponent; None if not known."""
    return None if amount is None else f"{exact_amount(amount).normalize(_EXACT):f}"


def shown_amount(amount: Decimal | None) -> str:
    """Return an amount as a message has it: all its digits, at least two decimals."""
    if amount is None:
        return "unknown"
    whole, _, decimals = f"{amount.normalize(_EXACT):,f}".partition(".")
    return f"{whole}.{decimals:0<2}"


def _read_amount(name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    return read_amount(name, read_text(name, value) if isinstance(value, str) else value)


def _subject(estimate: Estimate) -> str:
    return "This list has" if estimate.files == 1 else f"The {estimate.files:,} files of this list together have"


def _exceeded(estimate: Estimate, message: str) -> EkycSpendingError:
    charge = None if estimate.earlier is None else Charge.POSSIBLE
    return EkycSpendingError(f"{message} {_ending(estimate)}", charge=charge)


def _ending(estimate: Estimate) -> str:
    if estimate.earlier is not None:
        return (
            f"An earlier try of this task has prepared these files, so they may be submitted and charged already; "
            f"this try returned and sent nothing. Check the submissions of this run first. To send fewer numbers, if "
            f"none of the files was submitted, delete {estimate.earlier}. Then clear this task."
        )
    nothing = "It was not sent again; what was refused before is free." if estimate.refused else ""
    if not estimate.sent_before:
        return nothing or "Nothing was sent or charged."
    return (
        f"{nothing or 'Nothing was sent or charged now.'} An earlier submission of this list still has an unknown "
        f"outcome."
    )


def _costs(estimate: Estimate) -> str:
    price = f"{shown_amount(estimate.price)} each (the connection's price of {estimate.task_type})"
    again = (
        f"; with earlier submissions whose outcome is unknown ({estimate.sent_before}), which may be charged too, "
        f"{shown_amount(estimate.possible_cost)}"
        if estimate.sent_before
        else ""
    )
    return f"{_subject(estimate)} {estimate.rows:,} numbers, which cost {shown_amount(estimate.cost)} at {price}{again}"
