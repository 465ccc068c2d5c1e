"""
The first thing to do about each kind of failure, in words for the log of a task.

The runbook (``docs/runbook.md``) begins each of its entries with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ekyc.exceptions import Charge

#: The first line about a failure that a retry may solve.
AUTOMATIC_RETRY = "Airflow retries this task by itself. If the error persists:"

#: The first line about an unknown outcome where Airflow's UI has the page of this package.
PAGE_WAY_OUT = "Adopt it or send it again with the buttons of the page eKYC, below Needs you. Or by hand:"

#: What a failure cost, by a value of ``Charge``.
COST: Mapping[str, str] = {
    Charge.NONE.value: "Cost: nothing was charged by this try.",
    Charge.POSSIBLE.value: "Cost: the submission may have been charged. Look before you submit these numbers again.",
    Charge.CERTAIN.value: "Cost: the submission is paid for. To submit these numbers again is charged again.",
}

_CLEAR = "then clear this task."

#: Kind: what to do first. One sentence or two.
WAYS_OUT: Mapping[str, str] = {
    "settings": f"Correct the connection or the argument that is named below, {_CLEAR}",
    "input": f"Correct the list of numbers, its address or its permissions, {_CLEAR}",
    "authentication": f"Set the API key in the connection's password field, {_CLEAR}",
    "balance": f"Top up the account, {_CLEAR}",
    "spending_limit": f"Raise the limit of the task, send fewer numbers or top up the account, {_CLEAR}",
    "refused": f"Correct what the answer below names, {_CLEAR}",
    "too_large": "Split the input into smaller files and submit each, with a mapped EkycSubmitOperator.",
    "rate_limited": "Clear this task later, and run fewer tasks of the account at a time.",
    "unavailable": f"Check that the workers reach the API and the result's store, {_CLEAR}",
    "proxy": f"Check the connection's host, and the proxies and gateways before the API, {_CLEAR}",
    "unexpected_answer": f"Check that the connection's host is the API, {_CLEAR}",
    "unknown_outcome": f"Find out in the vendor's console whether it was accepted, settle its record, {_CLEAR}",
    "send_limit": "When the API works again, clear this task: that starts a new count.",
    "in_progress": "Wait until the other try has ended, then clear this task: it finds the remote task of that try.",
    "journal": f"Make the records of submissions readable and writable again, {_CLEAR}",
    "killed": "Clear this task: it reads the record of the list and goes on from there.",
    "disk": f"Free space in the temporary directory, or name another one as spool_dir, {_CLEAR}",
    "memory": f"Give the worker more memory or prepare smaller lists, {_CLEAR}",
    "destination": f"Make destination_uri writable for the connection, {_CLEAR}",
    "manifest": "Restore the manifest or the arguments of the earlier try, or start a new run.",
    "history": f"Make the history readable, {_CLEAR}",
    "aws_connection": f"Correct the AWS connection, {_CLEAR}",
    "not_found": f"Check ekyc_task_id, and that the connection is of the account that submitted, {_CLEAR}",
    "remote_task_failed": "To submit this list again, write 'send again' into its record, then clear its submission.",
    "too_many_failures": "Land the result with EkycResultsToS3Operator, or raise max_failure_rate and clear this task.",
    "timeout": "Clear this task to wait again; it submits nothing.",
    "not_exported": f"Wait with EkycTaskSensor until the remote task is exported, {_CLEAR}",
    "expired_url": f"Ask the vendor for the result of this remote task, {_CLEAR}",
    "result": f"Look at what the result has, correct the arguments that read it, {_CLEAR}",
    "s3": f"Check the bucket and the permissions of the AWS connection, {_CLEAR}",
    "iceberg": f"Make the catalog and the table usable, {_CLEAR}",
    "object_exists": "Name another s3_key, delete the object or set replace=True, then clear this task.",
    "unexpected": "Look for the remote task in the vendor's console before you clear this task or start a new run.",
}


def way_out(kind: str) -> str:
    """
    Return what to do first.

    :param kind: a kind of ``docs/failures.md``; one that a later version added gives that of ``unexpected``
    """
    return WAYS_OUT.get(kind, WAYS_OUT["unexpected"])
