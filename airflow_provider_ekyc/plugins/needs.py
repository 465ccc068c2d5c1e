"""
What a person has to decide. Pure.

Unknown outcomes: a submission that may have been accepted and charged, and whose task has failed. Then what is paid and
not landed: a remote task whose wait or landing has failed in the same run. What nobody can tell is *not known*, and
never free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.exceptions import Charge
from airflow_provider_ekyc.plugins.chains import Chain, remote_id
from airflow_provider_ekyc.plugins.recorded import Known, Recorded
from airflow_provider_ekyc.plugins.statuses import ENDED, FAILED
from airflow_provider_ekyc.plugins.task_records import TaskRecord, count_of, text_of, texts_of, time_text
from airflow_provider_ekyc.runbook import runbook_entry
from airflow_provider_ekyc.submission.spending import amount_text
from airflow_provider_ekyc.submission.unsettled import NOT_ACCEPTED
from airflow_provider_ekyc.xcom_keys import FAILURE, RESULT, SUBMISSION, UNSETTLED


class NeedKind(StrEnum):
    """The words of ``kind``."""

    UNKNOWN_OUTCOME = "unknown_outcome"
    NOT_LANDED = "not_landed"
    NOT_KNOWN = "not_known"


class Way(StrEnum):
    """The words of ``ways``: what a person can do."""

    ADOPT = "adopt"
    SEND_AGAIN = "send_again"
    CLEAR = "clear"
    LOG = "log"


#: Kinds of failure of a wait or of a landing that another try meets again.
_FOR_GOOD = frozenset({"remote_task_failed"})

#: States of a submission that Airflow does not go on with. Where a task before it has failed after a clear, what an
#: earlier try has sent is as open as it was.
STOPPED = frozenset({"removed", *FAILED})

#: The order of the list.
ORDER = (NeedKind.UNKNOWN_OUTCOME, NeedKind.NOT_KNOWN, NeedKind.NOT_LANDED)


@dataclass(frozen=True, slots=True)
class Findings:
    """
    What the records say of one submit task.

    :param has_record: whether the task instance has a record of its own
    :param is_readable: whether that can be read
    :param submissions: what it has begun
    """

    has_record: bool = False
    is_readable: bool = True
    submissions: Sequence[Recorded] = ()


def need_of(chain: Chain, findings: Findings, landed: frozenset[str]) -> dict[str, Any] | None:
    """
    Return what a person has to decide about a row, without ``may_edit``.

    :param findings: of its submit task
    :param landed: remote ids whose results have landed in this run
    :return: None if nothing has to be decided, or not yet
    """
    submit = chain.submit
    if submit is not None and submit.state in STOPPED:
        # Whatever the tasks after it are at: their DAG may never come to them.
        unsettled = _unsettled(submit, findings)
        if unsettled is not None:
            return unsettled
    if any(task.state not in ENDED for task in chain.tasks):
        return None
    accepted = next((each for each in findings.submissions if each.known is Known.ACCEPTED), None)
    known = chain.ekyc_task_id
    if known is None and accepted is not None and accepted.receipt is not None:
        known = accepted.receipt.ekyc_task_id
    if known is None or known in landed:
        return None
    return _not_landed(chain, known, accepted)


def ekyc_task_ids_landed(chains: Sequence[Chain]) -> frozenset[str]:
    """Return the remote ids whose results have landed."""
    transfers = [chain.transfer for chain in chains if chain.transfer is not None]
    return frozenset(known for each in transfers if each.pushed(RESULT) and (known := remote_id(each)))


def _unsettled(submit: TaskRecord, findings: Findings) -> dict[str, Any] | None:
    failure, sent = submit.pushed(FAILURE), submit.pushed(UNSETTLED)
    by_known = {known: [each for each in findings.submissions if each.known is known] for known in Known}
    if opened := by_known[Known.OPEN]:
        return _unknown_outcome(submit, opened[0])
    # Where a task before it has failed, it was cleared since.
    if (decided := by_known[Known.SEND_AGAIN]) and submit.state != "upstream_failed":
        return _not_cleared(submit, decided[0])
    charge = text_of(failure.get("charge"), 20)
    may_be_charged = charge != Charge.NONE.value
    was_sent = failure or sent.get("state", NOT_ACCEPTED) != NOT_ACCEPTED
    if (elsewhere := by_known[Known.ELSEWHERE]) and may_be_charged and was_sent:
        named = [each for each in elsewhere if each.name == sent.get("name")]
        return _unknown_outcome(submit, (named or elsewhere)[0])
    unclear = [*by_known[Known.UNREADABLE], *by_known[Known.ABSENT], *by_known[Known.ELSEWHERE]]
    if not findings.is_readable or (unclear and may_be_charged):
        return _not_known(submit, unclear[0] if unclear else None)
    if findings.has_record or submit.state == "removed":
        # It has begun nothing, or all of it is settled, or free.
        return None
    if failure:
        return _not_known(submit, None) if may_be_charged else None
    return _not_known(submit, None) if submit.state == "failed" else None


def _unknown_outcome(submit: TaskRecord, recorded: Recorded) -> dict[str, Any]:
    intent, sent = recorded.intent, submit.pushed(UNSETTLED)
    if sent.get("name") != recorded.name:
        sent = {}
    ids = [*(intent.possible_ids if intent else ()), *texts_of(sent.get("possible_ids"))]
    balance = amount_text(intent.balance) if intent else None
    return _need(
        NeedKind.UNKNOWN_OUTCOME,
        submit,
        when=intent.started_at if intent else text_of(sent.get("started_at"), 40),
        rows=intent.rows if intent else count_of(sent.get("rows")),
        record=recorded.address,
        store=recorded.store,
        name=recorded.name,
        possible_ids=list(dict.fromkeys(ids)),
        balance_before=text_of(sent.get("balance_before"), 50) or balance,
        balance_after=text_of(sent.get("balance_after"), 50),
        estimated_cost=text_of(sent.get("estimated_cost"), 50),
        charge=Charge.POSSIBLE.value,
        otherwise="This list may have been charged: it was sent, and no answer was recorded. It is not sent again "
        "automatically.",
        ways=[Way.ADOPT, Way.SEND_AGAIN, Way.LOG],
    )


def _not_cleared(submit: TaskRecord, recorded: Recorded) -> dict[str, Any]:
    """Return what is left to do where a person has decided to send a list again and the clear did not follow."""
    return {
        **_unknown_outcome(submit, recorded),
        "message": "It was decided to send this list again, and the task was not cleared since: nothing was sent. The "
        "first submission may have been charged. Send again clears the task.",
        "ways": [Way.SEND_AGAIN.value, Way.LOG.value],
    }


def _not_known(submit: TaskRecord, recorded: Recorded | None) -> dict[str, Any]:
    sent = submit.pushed(UNSETTLED)
    return _need(
        NeedKind.NOT_KNOWN,
        submit,
        when=text_of(sent.get("started_at"), 40) or time_text(submit.started_at),
        rows=count_of(sent.get("rows")),
        record=recorded.address if recorded else text_of(sent.get("record")),
        store=recorded.store if recorded else None,
        name=recorded.name if recorded else text_of(sent.get("name"), 40),
        possible_ids=texts_of(sent.get("possible_ids")),
        balance_before=text_of(sent.get("balance_before"), 50),
        balance_after=text_of(sent.get("balance_after"), 50),
        estimated_cost=text_of(sent.get("estimated_cost"), 50),
        charge=text_of(submit.pushed(FAILURE).get("charge"), 20) or Charge.POSSIBLE.value,
        otherwise="It is not known whether this task has submitted a list: it has left no record that can be read. Its "
        "log, and the vendor's console, may show it.",
        ways=[Way.LOG],
    )


def _not_landed(chain: Chain, ekyc_task_id: str, accepted: Recorded | None) -> dict[str, Any] | None:
    failed = [task for task in chain.tasks if task.state in FAILED]
    if not failed or (chain.transfer is not None and chain.transfer.state in {"success", "skipped"}):
        return None
    task = next((each for each in failed if each.state == "failed"), failed[0])
    failure = task.pushed(FAILURE)
    ended = text_of(failure.get("kind"), 40) in _FOR_GOOD
    submission: Mapping[str, Any] = {} if chain.submit is None else chain.submit.pushed(SUBMISSION)
    if accepted is not None and accepted.receipt is not None and not submission:
        submission = accepted.receipt.submission
    return _need(
        NeedKind.NOT_LANDED,
        task,
        when=time_text(task.ended_at or task.started_at or task.run_started),
        rows=count_of(submission.get("rows")),
        record=accepted.address if accepted else None,
        store=accepted.store if accepted else None,
        name=accepted.name if accepted else None,
        possible_ids=[ekyc_task_id],
        balance_before=text_of(submission.get("balance_before"), 50),
        balance_after=text_of(submission.get("balance_after"), 50),
        estimated_cost=text_of(submission.get("estimated_cost"), 50),
        charge=text_of(failure.get("charge"), 20) if ended else Charge.CERTAIN.value,
        otherwise=f"Remote task {ekyc_task_id} is paid for, and its result has not landed. Clear this task: nothing is "
        f"submitted or charged again.",
        ways=[Way.LOG] if ended else [Way.CLEAR, Way.LOG],
    )


def _need(kind: NeedKind, task: TaskRecord, *, otherwise: str, ways: Sequence[Way], **known: Any) -> dict[str, Any]:
    failure = task.pushed(FAILURE)
    cause = text_of(failure.get("kind"), 40) or ("unknown_outcome" if kind is NeedKind.UNKNOWN_OUTCOME else "")
    return {
        "kind": kind.value,
        "dag_id": task.dag_id,
        "run_id": task.run_id,
        "task_id": task.task_id,
        "map_index": task.map_index,
        "try_number": task.try_number,
        **known,
        "message": text_of(failure.get("message")) or otherwise,
        "runbook": text_of(failure.get("runbook"), 500) or runbook_entry(cause),
        "ways": [way.value for way in ways],
    }
