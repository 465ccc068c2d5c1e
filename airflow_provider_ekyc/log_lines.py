"""
Messages as lines of a log page, which shows a record on one line and cuts it at the right edge. Pure but for the log.

The way out comes first: it is what a person looks for, and what is seen without scrolling.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_ekyc.exceptions import Charge
from airflow_provider_ekyc.ways_out import AUTOMATIC_RETRY, COST, way_out

#: Characters of a line at the most, if no word is longer: what Airflow's log page shows beside time and level on a
#: screen of 1,280 pixels.
WIDTH = 99

#: Before the continuation of a sentence.
_INDENT = "  "

# With this or with other words messages and steps go on.
_THEN_CLEAR = ", then clear this task"

# Characters of a step that may occur in a message by chance.
_SHORT = 12

# Behind a sentence: also one that ends in a quotation mark or a bracket.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])|(?<=[.!?][\"')\]])\s+(?=[^a-z\s])")


def wrapped(text: str) -> list[str]:
    """
    Return a text as lines of :data:`WIDTH` characters at the most, sentences together where they fit.

    A word that is longer, such as the address of an object, is a line of its own, in one piece.

    :param text: sentences
    """
    lines: list[str] = []
    for sentence in filter(None, _SENTENCE_END.split(" ".join(text.split()))):
        if lines and len(lines[-1]) + 1 + len(sentence) <= WIDTH and not lines[-1].startswith(_INDENT):
            lines[-1] += f" {sentence}"
        else:
            lines += _broken(sentence)
    return lines


def failure_lines(
    message: str,
    *,
    kind: str,
    charge: str,
    retryable: bool,
    steps: Sequence[str] = (),
    ekyc_task_id: str | None = None,
    runbook: str,
) -> list[str]:
    """
    Return a failure as lines of a log page: the way out, what happened, what it cost, the runbook's entry.

    :param message: the failure's sentences; what the steps say already is left out
    :param kind: a kind of ``docs/failures.md``
    :param charge: a value of :class:`~airflow_provider_ekyc.exceptions.Charge`
    :param retryable: whether Airflow retries the task by itself
    :param steps: the way out of this very failure; by default that of its kind
    :param ekyc_task_id: the remote task that it is about, if it is known
    :param runbook: address of the runbook's entry
    """
    first = [AUTOMATIC_RETRY] if retryable else []
    for step in steps or (way_out(kind),):
        first += [step] if " " not in step else wrapped(step)
    about = ["Remote task:", ekyc_task_id] if ekyc_task_id and ekyc_task_id not in first else []
    cost = COST.get(charge, COST[Charge.POSSIBLE.value])
    return [*first, *about, *wrapped(_without(message, first)), cost, "Runbook:", runbook]


def log_lines(log: logging.Logger, level: int, lines: Iterable[str]) -> None:
    """
    Write lines as records of their own.

    :param log: a logger of the standard library
    :param level: of each line
    """
    for line in lines:
        log.log(level, "%s", line)


def warn(log: Any, text: str) -> None:
    """
    Write a warning of several sentences as lines.

    :param log: a logger of the standard library, or Airflow's own
    :param text: the sentences
    """
    for line in wrapped(text):
        log.warning(line)


def _broken(sentence: str) -> list[str]:
    """Return a sentence as lines, each but the first indented."""
    lines: list[str] = []
    line = ""
    for word in sentence.split(" "):
        if line.strip() and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = _INDENT
        line += word if not line.strip() else f" {word}"
    return [*lines, line]


def _without(message: str, steps: Sequence[str]) -> str:
    """Return the sentences of a message without those that the steps say already, or begin with."""
    said = " ".join(" ".join(steps).split())
    sentences = (each.rstrip(".:").removesuffix(_THEN_CLEAR) for each in _SENTENCE_END.split(said))
    begun = tuple(each for each in sentences if " " in each and len(each) > _SHORT)
    kept = (each.strip() for each in _SENTENCE_END.split(message))
    return " ".join(each for each in kept if each and each not in said and not each.startswith(begun))
