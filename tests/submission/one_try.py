"""One try of a list without a request: an API that answers in turn, and records in memory."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, BinaryIO

import pytest

from airflow_provider_ekyc.api.models import Balance, Task, TaskStatus
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    Outcome,
)
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.record import Intent, Receipt, Scope, Submission
from airflow_provider_ekyc.submission.submitter import Submitter
from dev.testing.variables import Variables
from tests.submission.in_memory import TASK, Reports, journal_of

SETTINGS = EkycSettings("https://api.example", "made-up-key", account="made-up", prices={"amazon": Decimal("0.001")})
LIST = b"+9990000000001\n" * 150
NUMBERS = PreparedNumbers(io.BytesIO(LIST), len(LIST), "1" * 64, "2" * 32, 160, 1, 2, 3, 150, "3" * 64)
SCOPE = Scope.of(SETTINGS, "amazon", NUMBERS)
NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")

REFUSED_FOR_GOOD = (402, False, Outcome.REFUSED)
REFUSED = (500, True, Outcome.REFUSED)
NOT_SENT = (None, True, Outcome.NOT_SENT)
UNKNOWN = (504, False, Outcome.UNKNOWN)


def accepted(number: int = 1, total: int | None = 149) -> Task:
    return Task(f"made-up-id-{number}", TaskStatus.PENDING, "pending", total)


def failure(what: tuple[int | None, bool, Outcome], *ids: str) -> EkycApiError:
    status, retryable, outcome = what
    return EkycApiError("Made up.", status=status, retryable=retryable, outcome=outcome, possible_ids=ids)


class ScriptedApi:
    """
    As much of the API as a submission needs; each balance is one less than the one before.

    :param answers: of the submissions, in turn: a remote task, or an error
    """

    settings = SETTINGS

    def __init__(self, *answers: Task | BaseException) -> None:
        self._answers = list(answers)
        self._balance = 1001.0
        self.sent: list[tuple[object, int, str]] = []
        #: What is called when a list is sent.
        self.during: Callable[[], object] = lambda: None

    def get_balance(self, *, once: bool = False) -> Balance:
        self._balance -= 1
        return Balance(self._balance)

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        self.sent.append((file, size, task_type))
        self.during()
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Try:
    """One try over the records in memory, and what it has reported."""

    def __init__(self, api: ScriptedApi, task: TaskIdentity = TASK, journal: Journal | None = None, **more: Any):
        self.api = api
        self.reports = Reports()
        options = {"resubmit": False, "report": self.reports, **more}
        self.submitter = Submitter(api, journal or journal_of(task), task, NUMBERS, "amazon", **options)

    def submit(self) -> Submission:
        return self.submitter.submit()

    def fails(self, kind: type[BaseException] = EkycApiError) -> Any:
        """Return the error of the try."""
        with pytest.raises(kind) as failed:
            self.submitter.submit()
        return failed.value

    @property
    def states(self) -> list[str]:
        return [report["state"] for report in self.reports]


def recorded(task: TaskIdentity = TASK) -> Receipt | Intent | None:
    """What another try finds now."""
    return journal_of(task).submission(SCOPE.name).find()


def open_intent(variables: Variables) -> dict[str, Any]:
    """The record of what is being sent, without the fields that each record has."""
    (record,) = (json.loads(value) for key, value in variables.values.items() if "_open_" in key)
    return {name: each for name, each in record.items() if name not in ("schema", "record")}


def own_record(variables: Variables) -> dict[str, Any]:
    (record,) = (json.loads(value) for value in variables.records().values())
    return {name: each for name, each in record.items() if name not in ("schema", "record")}
