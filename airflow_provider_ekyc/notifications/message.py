"""
What a notification says about failed tasks: what failed, what was charged, what to do. Pure.

Texts of a failure come from XComs and exceptions, which hold words of the vendor too. They go into the message as text:
HTML is escaped, and nothing in it can be a template for the notifier that sends it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.exceptions import Charge
from airflow_provider_ekyc.ways_out import COST, way_out

#: Failed tasks that one message describes; of the others it says how many they are.
MOST_FAILURES = 20

#: Characters of a failure's own sentences, at the most.
_MOST_TEXT = 2000

#: What Jinja reads as the beginning of a template.
_TEMPLATE = re.compile(r"\{(?=[{%#])")

#: Control characters, such as a line break, that could begin another header or line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Failure:
    """
    A failed task, as far as its callback knows it.

    :param dag_id: the DAG
    :param run_id: its run
    :param task_id: the task; empty if it is not known which one failed
    :param map_index: -1 for a task that is not mapped, or if it is not known
    :param try_number: of the failed try, from 1; None if it is not known
    :param kind: a kind of ``docs/failures.md``; None if the task ended otherwise than with an error of this package
    :param status: HTTP status, or None
    :param charge: a value of :class:`~airflow_provider_ekyc.exceptions.Charge`
    :param will_retry: whether Airflow retries the task by itself
    :param text: the failure's own sentences; may be empty
    :param ekyc_task_id: the remote task, or None
    :param rows: numbers of the submission, or None
    :param estimated_cost: of the submission, as text, or None
    :param balance_before: of the account, as text, or None
    :param balance_after: of the account, as text, or None
    :param log_url: address of the log, or None
    :param page_url: address of the task's row on the eKYC page, or None
    :param runbook: address of the runbook's entry
    """

    dag_id: str
    run_id: str
    task_id: str
    runbook: str
    map_index: int = -1
    try_number: int | None = None
    kind: str | None = None
    status: int | None = None
    charge: str = Charge.POSSIBLE.value
    will_retry: bool = False
    text: str = ""
    ekyc_task_id: str | None = None
    rows: int | None = None
    estimated_cost: str | None = None
    balance_before: str | None = None
    balance_after: str | None = None
    log_url: str | None = None
    page_url: str | None = None

    @property
    def task(self) -> str:
        """The task with its map index, such as ``submit[3]``; empty if it is not known which one failed."""
        return f"{self.task_id}[{self.map_index}]" if self.map_index >= 0 else self.task_id

    @property
    def rows_of_message(self) -> list[tuple[str, str]]:
        """What the message says, as label and text."""
        kind = self.kind or ("not known: the task ended without an error of this package" if self.task_id else "")
        about = f"task {self.task} of DAG {self.dag_id}" if self.task_id else f"DAG {self.dag_id}"
        status = "" if self.status is None else f" (HTTP {self.status})"
        again = " Airflow retries the task by itself." if self.will_retry else ""
        tries = "" if self.try_number is None else f", try {self.try_number}"
        amounts = (
            ("numbers", None if self.rows is None else f"{self.rows:,}"),
            ("estimated cost", self.estimated_cost),
            ("balance before", self.balance_before),
            ("balance after", self.balance_after),
        )
        known = ", ".join(f"{name}: {amount}" for name, amount in amounts if amount not in (None, ""))
        cost = COST.get(self.charge, COST[Charge.POSSIBLE.value]).removeprefix("Cost: ")
        rows = (
            ("Failed", f"{about}, run {self.run_id}{tries}"),
            ("Kind", f"{kind}{status}"),
            ("Charged", f"{cost[:1].upper()}{cost[1:]}"),
            ("Known", known),
            ("What to do", f"{way_out(self.kind or 'unexpected')}{again}"),
            ("Details", self.text[:_MOST_TEXT]),
            ("Remote task", self.ekyc_task_id or ""),
            ("Log", self.log_url or ""),
            ("eKYC page", self.page_url or ""),
            ("Runbook", self.runbook),
        )
        return [(label, _plain(text)) for label, text in rows if text]


@dataclass(frozen=True)
class Message:
    """
    One message, in the forms that notifiers take.

    :param subject: one line
    :param text: plain text, for a chat
    :param html: for e-mail
    :param failures: what it was made of, for a notifier that branches on ``kind`` or ``charge``
    """

    subject: str
    text: str
    html: str
    failures: tuple[Failure, ...]


def failure_message(failures: Sequence[Failure]) -> Message:
    """
    Return one message about failed tasks.

    :param failures: one at least; of more than :data:`MOST_FAILURES` the first are described
    """
    described, others = failures[:MOST_FAILURES], len(failures) - MOST_FAILURES
    subject = _subject(failures)
    blocks = [failure.rows_of_message for failure in described]
    more = f"And {counted(others, 'failed task')} more of this run." if others > 0 else ""
    text = "\n\n".join(["\n".join(f"{label}: {shown}" for label, shown in rows) for rows in blocks])
    tables = [f"<table>{''.join(_row(label, shown) for label, shown in rows)}</table>" for rows in blocks]
    return Message(
        subject=subject,
        text="\n\n".join(filter(None, (subject, text, more))),
        html="".join([f"<h3>{escape(subject)}</h3>", "<hr>".join(tables), f"<p>{more}</p>" if more else ""]),
        failures=tuple(failures),
    )


def _subject(failures: Sequence[Failure]) -> str:
    first = failures[0]
    charges = {failure.charge for failure in failures}
    charged = "nothing was charged"
    if charges - {Charge.NONE.value}:
        charged = "already paid for" if charges == {Charge.CERTAIN.value} else "may have been charged"
    if len(failures) > 1:
        return _plain(f"eKYC: {len(failures)} tasks of {first.dag_id} failed; {charged}")
    if not first.task_id:
        return _plain(f"eKYC: a run of {first.dag_id} failed; {charged}")
    return _plain(f"eKYC: {first.task} of {first.dag_id} failed ({first.kind or 'not known'}); {charged}")


def _row(label: str, text: str) -> str:
    shown = escape(text)
    if text.startswith(("https://", "http://")):
        shown = f'<a href="{shown}">{shown}</a>'
    return f'<tr><th align="left" valign="top">{escape(label)}</th><td>{shown}</td></tr>'


def _plain(text: str) -> str:
    """Return a text on one line that is no template: ``{{`` becomes ``{ {``."""
    return _TEMPLATE.sub("{ ", _CONTROL.sub(" ", text)).strip()
