"""
One line of text about what a task has done: the XCom ``summary`` of submit, sensor and transfer. Pure.

Airflow's UI shows a text as it is, while it folds a mapping. Counts and ids alone; a cost only where the connection has
a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.submission.spending import shown_amount


def submit_summary(submission: Mapping[str, Any], *, sent: bool = True) -> str:
    """
    Return the line of a submission.

    :param submission: the XCom ``submission``
    :param sent: whether this try sent it; otherwise its record was found, and nothing was charged now
    """
    numbers = counted(submission["rows"], "number")
    if not sent:
        were = "was" if submission["rows"] == 1 else "were"
        return f"{numbers} {were} submitted before, as remote task {submission['ekyc_task_id']}; nothing charged now"
    cost = _cost(submission.get("estimated_cost"))
    return f"{numbers} submitted as remote task {submission['ekyc_task_id']}{cost}"


def wait_summary(exported: Mapping[str, Any]) -> str:
    """
    Return the line of a wait that ended with an export.

    :param exported: the return value of ``EkycTaskSensor``
    """
    total, success, failure = (exported.get(name) for name in ("total", "success", "failure"))
    if success is None:
        processed = "" if total is None else f": {counted(total, 'number')}"
    elif total is None:
        processed = f": {success:,} processed"
    else:
        processed = f": {success:,} of {total:,} processed"
    if failure:
        processed += f"{', ' if processed else ': '}{failure:,} not processed"
    queries, seconds = exported.get("queries"), exported.get("seconds")
    if queries is None or seconds is None:
        return f"Exported{processed}"
    made = f"{queries:,} {'query' if queries == 1 else 'queries'}"
    return f"Exported{processed}; {made} in {seconds:,.0f} s"


def transfer_summary(landed: Mapping[str, Any]) -> str:
    """
    Return the line of a result that has landed.

    Not processed are numbers that were sent and are not in the result.

    :param landed: the XCom ``result``
    """
    if landed.get("rows") is None:
        return f"The archive as delivered, {landed['size']:,} bytes; its rows were not read"
    unmatched = landed.get("unmatched")
    not_processed = landed.get("missing") if unmatched is None else unmatched
    counts = [f"{landed['yes'] or 0:,} yes", f"{landed['no'] or 0:,} no"]
    counts += [f"{landed['unknown']:,} unknown"] if landed.get("unknown") else []
    counts += [f"{not_processed:,} not processed"] if not_processed else []
    return f"{counted(landed['rows'], 'row')}: {', '.join(counts)}"


def _cost(estimate: object) -> str:
    """Return what is said of an estimate; nothing without a price. A record may have been written by hand."""
    try:
        amount = Decimal(str(estimate))
    except InvalidOperation:
        return ""
    return f"; estimated cost {shown_amount(amount)}" if amount.is_finite() else ""
