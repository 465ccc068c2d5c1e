"""
What one number costs, per task type, as a connection says it. Pure.

The vendor publishes no prices: they are those of the account, and a user enters them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from airflow_provider_ekyc.arguments import read_amount, read_task_type
from airflow_provider_ekyc.exceptions import EkycSettingsError


def read_prices(value: object) -> dict[str, Decimal]:
    """
    Read ``{"amazon": 0.001}``, or the same as text: ``amazon=0.001, ws=0.0005``, or JSON.

    A price of 0 is refused, since no limit on money would ever hold for it: a task type without a known price is left
    out. A task type that stands twice is refused, too.

    :return: task type -> price of one number, in the unit of the account's balance
    :raises EkycSettingsError: if it is anything else
    """
    prices: dict[str, Decimal] = {}
    for name, price in _pairs(value):
        task_type = read_task_type(name)
        if task_type in prices:
            raise EkycSettingsError(f"prices has {task_type} twice; leave one of them.")
        prices[task_type] = read_amount(f"prices of {task_type}", price)
        if not prices[task_type]:
            raise EkycSettingsError(
                f"prices of {task_type} must be above 0; leave {task_type} out if its price is not known."
            )
    return prices


def _pairs(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            # As the form's field accepts it: a list of pairs, so that a name that stands twice is seen. What is not a
            # price, such as a list, is none as pairs either.
            value = json.loads(value, object_pairs_hook=tuple, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise _wrong() from None
        if isinstance(value, tuple):
            return value
    elif isinstance(value, str):
        return [_split(entry) for entry in value.split(",") if entry.strip()]
    elif isinstance(value, Mapping):
        return value.items()
    raise _wrong()


def _split(entry: str) -> tuple[str, str]:
    name, equals, price = entry.partition("=")
    if not equals:
        raise _wrong()
    return name, price


def _wrong() -> EkycSettingsError:
    return EkycSettingsError(
        'prices must look like {"amazon": 0.001} or amazon=0.001: the price of one number, with a point before the '
        "decimals, and commas between task types."
    )
