"""
May a submission be settled, and what is recorded then? Pure.

What a person decides here may be charged a second time, or land another list's result. So what is not certain is
refused, or said in a sentence that the person has to confirm.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.plugins.settle_request import SettleRefused
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Intent, IntentState, Receipt
from airflow_provider_ekyc.submission.spending import Estimate, amount_text, shown_amount

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.plugins.settle_request import SettleRequest
    from airflow_provider_ekyc.plugins.settle_task import TaskInstanceState

#: Where a person reads how to settle a submission without the page.
BY_HAND = "Settle it by hand, as docs/submit.md describes"

#: States of a task instance that does not run, and that Airflow does not run again by itself.
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

#: How long the process of a task may still send after Airflow has ended the task: its supervisor notices with its next
#: heartbeat, and waits for the process to end.
STILL_SENDING = timedelta(minutes=2)

#: Differences between the clocks of the worker and of the API, and the longest upload.
_CLOCKS = timedelta(hours=1)
_LONGEST_SUBMISSION = timedelta(days=1)


def open_intent(found: Receipt | Intent | None, address: str) -> Intent:
    """
    Return what is recorded of a submission if its outcome is unknown.

    :param found: what the journal has of it
    :param address: of its record, for the message
    :raises SettleRefused: 409 if there is nothing to settle
    """
    if found is None:
        raise SettleRefused(
            409,
            f"The API server finds no record of this submission at {address}: it was deleted, or is in a directory "
            f"that only the workers share. Nothing was changed. {BY_HAND}.",
        )
    if isinstance(found, Receipt):
        raise SettleRefused(
            409,
            f"This submission is settled: {address} names its remote task. Nothing was changed. Clear the task: it "
            f"returns that id, and nothing is sent.",
            clear=True,
        )
    if found is SENT_AGAIN_BY_HAND:
        raise SettleRefused(
            409,
            f"A person has decided to send this list again: {address}. Nothing was changed. Clear the task to do so; "
            f"to adopt a remote task instead, write its id into that record first.",
            clear=True,
        )
    if not found.is_open:
        raise SettleRefused(
            409,
            f"This submission was not accepted, so it was not charged, and there is nothing to settle ({address}). "
            f"Nothing was changed. Clear the task to send it.",
            clear=True,
        )
    return found


def require_seen_send(request: SettleRequest, intent: Intent) -> None:
    """
    Refuse to send again what was sent once more since the person looked: that would be a further submission.

    :param intent: of the send whose outcome is unknown now
    :raises SettleRefused: 409 if it is a later one than the request names
    """
    began = _time(intent.started_at)
    # The row may have a later time than the record: of a try that ended before it recorded that it sends.
    if request.sent_at is not None and began is not None and datetime.fromisoformat(request.sent_at) < began:
        raise SettleRefused(
            409,
            "This list was sent once more since you looked, and the outcome of that is unknown as well. Nothing was "
            "changed. Close this and look at the row again.",
        )


def require_ended(instances: Iterable[TaskInstanceState], intent: Intent, *, sends_again: bool, now: datetime) -> None:
    """
    Refuse to settle what a task may be sending at this moment.

    :param instances: the task instance to clear, and the one that has sent the list
    :param sends_again: whether the list would be sent again
    :raises SettleRefused: 409 if one is not at its end
    """
    for instance in instances:
        if instance.state not in ENDED:
            raise SettleRefused(
                409,
                f"The task is not at its end (state {instance.state or 'none'}), and may settle this itself. Nothing "
                f"was changed. Wait until it has ended.",
            )
        if not sends_again or intent.state is not IntentState.SENDING or instance.ended_at is None:
            continue
        if now < instance.ended_at + STILL_SENDING:
            until = (instance.ended_at + STILL_SENDING).astimezone(UTC)
            raise SettleRefused(
                409,
                f"The task's process may still be sending this list. Nothing was changed. Send it again after "
                f"{until:%H:%M:%S} UTC.",
            )


def require_confirmed_repeat(request: SettleRequest, intent: Intent, estimate: Estimate) -> None:
    """
    Ask before a list is sent again.

    :raises SettleRefused: 409, to be confirmed
    """
    if not request.confirmed:
        raise SettleRefused(409, f"{repeat_cost(intent, estimate)} Nothing was changed yet.", confirm=True)


def repeat_cost(intent: Intent, estimate: Estimate) -> str:
    """Return what it costs to send a list again, in a sentence or two."""
    times = max(1, intent.possibly_charged)
    before = "once" if times == 1 else f"{times} times"
    cost = (
        "What that costs is not known, since the connection has no price of it."
        if estimate.cost is None
        else f"Estimated cost of sending it again: {shown_amount(estimate.cost)}."
    )
    return (
        f"This list of {intent.rows:,} numbers may have been charged {before} already, and is charged again when it is "
        f"sent again. {cost}"
    )


def require_no_doubts(request: SettleRequest, doubts: list[str]) -> None:
    """
    Ask before a remote task is adopted that may not be that of the submission.

    :param doubts: sentences
    :raises SettleRefused: 409, to be confirmed
    """
    if doubts and not request.confirmed:
        raise SettleRefused(
            409,
            f"{' '.join(doubts)} Nothing was changed. Adopt it only if you are certain that it is the remote task of "
            f"this list.",
            confirm=True,
        )


def doubts_of(intent: Intent, remote: Task) -> list[str]:
    """Return what speaks against a remote task being that of a submission, as sentences."""
    doubts = []
    if remote.total and remote.total != intent.rows:
        doubts.append(
            f"The remote task has {remote.total:,} numbers, and this list has {intent.rows:,}: "
            + (
                "it is another list's."
                if remote.total > intent.rows
                else "the API leaves some out at times, or it is another list's."
            )
        )
    created, sent = remote.created_at, _time(intent.started_at)
    # A list that was sent several times may be any of its remote tasks, and only the last send has a time.
    if created is not None and sent is not None and intent.possibly_charged <= 1 and created < sent - _CLOCKS:
        doubts.append(f"It was created at {_shown(created)}, before this list was sent at {_shown(sent)}.")
    if created is not None and sent is not None and created > sent + _LONGEST_SUBMISSION:
        doubts.append(f"It was created at {_shown(created)}, long after this list was sent at {_shown(sent)}.")
    if remote.status is TaskStatus.FAILED:
        doubts.append("It has failed, so the wait for it fails too; whether that is charged is not documented.")
    return doubts


def receipt_of(
    intent: Intent, remote: Task, ekyc_task_id: str, *, task_type: str | None, price: Decimal | None
) -> Receipt:
    """
    Return the receipt of an adopted remote task, with the counts that its later tasks and the page read.

    A try that reads it fills in what it knows of the list itself.

    :param intent: of the submission
    :param remote: the API's answer about the remote task
    :param task_type: of the submission; None if it is not known any more
    :param price: of one number, as the connection has it now
    """
    cost = Estimate(task_type or "", intent.rows, price).cost
    submission: dict[str, Any] = {
        "fingerprint": intent.fingerprint,
        "rows": intent.rows,
        # 0 while a task is pending, which is not a count.
        "total": remote.total or None,
        "submitted_at": intent.started_at if remote.created_at is None else remote.created_at.isoformat(),
        "price": amount_text(price),
        "estimated_cost": amount_text(cost),
        "balance_before": amount_text(intent.balance),
    }
    if task_type is not None:
        submission["task_type"] = task_type
    others = tuple(each for each in intent.possible_ids if each != ekyc_task_id)
    return Receipt(ekyc_task_id, submission, others)


def clear_body(request: SettleRequest, iteration_id: str | None = None) -> dict[str, Any]:
    """
    Return the body of Airflow's ``POST clearTaskInstances`` that lets the task and what follows it run again.

    :param iteration_id: Airflow's id of the task instance where it is one of several iterations of a loop (Airflow
        3.4), which task id and index do not select
    """
    selected = request.task_id if request.map_index < 0 else [request.task_id, request.map_index]
    return {
        "dag_id": request.dag_id,
        "dag_run_id": request.run_id,
        **({"task_ids": [selected]} if iteration_id is None else {"task_instance_ids": [iteration_id]}),
        "include_downstream": True,
        "only_failed": True,
        "reset_dag_runs": True,
        "dry_run": False,
    }


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _shown(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
