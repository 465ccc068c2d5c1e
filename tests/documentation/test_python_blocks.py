"""Each Python example of README and documentation, as it is written there."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from airflow.sdk import DAG, Asset, AssetAlias

from airflow_provider_ekyc.exceptions import EkycRateLimitError, EkycUnknownOutcomeError
from airflow_provider_ekyc.notifications.failures import Failure
from airflow_provider_ekyc.notifications.message import Message, failure_message
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sandbox import expected_answer
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.task_groups.verify import verify_numbers
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.variables import Variables
from tests.documentation.blocks import Block, of_language
from tests.documentation.completed import completed

FREE = "+99900000000"
SENT: list[tuple[object, ...]] = []


@dataclass
class Channel:
    """What the page's own PagerdutyNotifier and SlackNotifier are given: their providers are the reader's."""

    arguments: dict[str, object] = field(default_factory=dict)

    def __init__(self, **arguments: object) -> None:
        self.arguments = arguments


def names_of_the_reader() -> dict[str, Any]:
    """Return what an example leaves to the rest of a DAG file: imports, a task before it, a function of yours."""
    return {
        "Asset": Asset,
        "AssetAlias": AssetAlias,
        "DAG": DAG,
        "EkycPrepareNumbersOperator": EkycPrepareNumbersOperator,
        "EkycResultsToS3Operator": EkycResultsToS3Operator,
        "EkycSubmitOperator": EkycSubmitOperator,
        "EkycTaskSensor": EkycTaskSensor,
        "PagerdutyNotifier": Channel,
        "SlackNotifier": Channel,
        "digits": FREE[1:].encode(),
        "notify": lambda *words: SENT.append(words),
        "pytest": pytest,
        "timedelta": timedelta,
        "verify_numbers": verify_numbers,
        "zlib": zlib,
    }


def run(block: Block) -> dict[str, Any]:
    """Run one example as a part of a DAG file; return its names."""
    names = names_of_the_reader()
    with DAG("of_the_reader", schedule=None):
        if not re.search(r"^ *submit = ", block.code, re.MULTILINE):
            names["submit"] = EkycSubmitOperator(task_id="before", numbers="/data/numbers.txt")
        exec(compile(completed(block.code, str(block)), str(block), "exec"), names)
    return names


@pytest.mark.parametrize("block", of_language("python"), ids=str)
def test_an_example_runs(block: Block) -> None:
    names = run(block)
    for (page, word), check in CHECKS.items():
        if block.page == page and word in block.code:
            check(names)


def the(page: str, word: str) -> Block:
    """Return the one example of a page that has a word."""
    (block,) = (block for block in of_language("python") if block.page == page and word in block.code)
    return block


def test_each_check_is_of_one_example() -> None:
    for page, word in CHECKS:
        assert the(page, word)


def check_group(names: Mapping[str, Any]) -> None:
    """The DAG of the page has the tasks that the page lists."""
    (dag,) = {id(value): value for value in names.values() if isinstance(value, DAG)}.values()
    assert set(dag.task_ids) == {
        *("verify.prepare", "verify.each_file.submit", "verify.each_file.wait", "verify.each_file.land"),
        "verify.landed",
    }


def check_callback(names: Mapping[str, Any]) -> None:
    """The callback sends what it says, to whom it says."""
    SENT.clear()
    for error in (EkycUnknownOutcomeError("Look in the console."), ValueError("another")):
        names["on_failure"]({"exception": error, "ti": SimpleNamespace(task_id="submit")})
    assert [words[0] for words in SENT] == ["on-call", "data team"]
    assert "unknown_outcome" in str(SENT[0][1])


def check_policy(names: Mapping[str, Any]) -> None:
    """The policy waits a quarter of an hour at least where the server asks for less."""
    policy = names["PatientRetryPolicy"]()
    decision = policy.evaluate(EkycRateLimitError("Slow down.", retry_after=5), 1, 3)
    assert decision.retry_delay == timedelta(minutes=15)
    assert policy.evaluate(ValueError(), 1, 3).retry_delay is None


def check_channels(names: Mapping[str, Any]) -> None:
    """An unknown outcome wakes somebody, another failure does not; and words of the vendor wake nobody."""
    made: list[Message] = [
        failure_message([Failure(dag_id="d", run_id="r", task_id="t", runbook="b", kind=kind, text="<!channel>")])
        for kind in ("unknown_outcome", "balance")
    ]
    assert "<" not in names["by_kind"](made[1]).arguments["text"]
    assert [sorted(names["by_kind"](message).arguments) for message in made] == [
        ["severity", "source", "summary"],
        ["channel", "text"],
    ]


def check_clean_up(names: Mapping[str, Any]) -> None:
    """The task deletes nothing where there is nothing."""
    with mock.patch("airflow_provider_ekyc.submission.variable_store.Variable", Variables()):
        names["clean_up"].function()


def check_answer(names: Mapping[str, Any]) -> None:
    """The rule gives the sandbox's answers."""
    for last in range(50):
        number = f"+999{last:08d}"
        answer = eval("'yes' if zlib.crc32(digits) % 100 < 40 else 'no'", {"zlib": zlib, "digits": number[1:].encode()})
        assert answer == expected_answer(number)
    assert names["c"] == zlib.crc32(FREE[1:].encode())


#: Page and a word of one example: what is looked at after it has run.
CHECKS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], None]] = {
    ("docs/failures.md", "def on_failure"): check_callback,
    ("docs/failures.md", "PatientRetryPolicy"): check_policy,
    ("docs/monitoring.md", "def by_kind"): check_channels,
    ("docs/submit.md", "def clean_up"): check_clean_up,
    ("docs/sandbox.md", "zlib.crc32"): check_answer,
    ("docs/task_group.md", "as dag"): check_group,
}
