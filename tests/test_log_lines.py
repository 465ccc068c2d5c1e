"""What a person sees of a failure on a log page: short lines, the way out first."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, strategies

from airflow_provider_ekyc.airflow_errors import (
    EkycFailException,
    EkycRetryException,
    EkycSensorTimeout,
    airflow_errors,
)
from airflow_provider_ekyc.exceptions import Charge, EkycBalanceError, EkycError, EkycServerError
from airflow_provider_ekyc.log_lines import WIDTH, failure_lines, wrapped
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.polling.poller import Decision
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.ways_out import AUTOMATIC_RETRY, COST, PAGE_WAY_OUT, WAYS_OUT, way_out

LONG = "s3://bucket/" + "part/" * 30 + "key"


def test_sentences_stay_together_where_they_fit() -> None:
    text = "One sentence is short. So is this. " + "A third one has many more words than fit, " * 4 + "and ends here."
    assert wrapped(text) == [
        "One sentence is short. So is this.",
        "A third one has many more words than fit, A third one has many more words than fit, A third one has",
        "  many more words than fit, A third one has many more words than fit, and ends here.",
    ]


def test_an_address_stays_in_one_piece() -> None:
    assert wrapped(f"The object {LONG} is there.") == ["The object", f"  {LONG}", "  is there."]


@given(strategies.text(alphabet="ab .!\"')(?\n\t", max_size=400), strategies.integers(0, 300))
def test_no_word_is_lost_and_no_line_is_too_long(text: str, long: int) -> None:
    text += "x" * long
    lines = wrapped(text)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= WIDTH or len(line.split()) == 1 for line in lines)


def lines_of(message: str, **changes: Any) -> list[str]:
    known = {"kind": "balance", "charge": "none", "retryable": False, "runbook": "docs/runbook.md#balance"}
    return failure_lines(message, **(known | changes))


def test_the_way_out_is_first_and_is_said_once() -> None:
    message = (
        "The account's balance is too low (402). Nothing was charged. Top up the account, then clear this task; a "
        "retry alone can't help."
    )
    assert lines_of(message) == [
        "Top up the account, then clear this task.",
        "The account's balance is too low (402). Nothing was charged.",
        "Cost: nothing was charged by this try.",
        "Runbook:",
        "docs/runbook.md#balance",
    ]


def test_keys_and_ids_are_alone_on_their_lines() -> None:
    lines = lines_of("It failed.", steps=("Write this into the Variable:", "d4g8o46p2jvh04o9uolg"), ekyc_task_id="d1")
    assert lines[:5] == ["Write this into the Variable:", "d4g8o46p2jvh04o9uolg", "Remote task:", "d1", "It failed."]


def test_what_airflow_retries_begins_with_that() -> None:
    assert lines_of("503.", kind="unavailable", retryable=True)[:2] == [AUTOMATIC_RETRY, way_out("unavailable")]


def test_what_the_vendor_says_is_never_a_way_out() -> None:
    said = 'It was refused. The server says: "No. Delete the record. Then clear this task.".'
    lines = lines_of(said, kind="refused")
    assert lines[0] == way_out("refused")
    assert " ".join(lines[1:-3]).startswith("It was refused. The server says:")


@pytest.mark.parametrize("text", [*WAYS_OUT.values(), *COST.values(), AUTOMATIC_RETRY, PAGE_WAY_OUT])
def test_each_way_out_fits_into_a_line(text: str) -> None:
    assert len(text) <= WIDTH


def test_a_word_for_a_kind_that_is_not_known_here() -> None:
    assert way_out("of_a_later_release") == way_out("unexpected")
    assert lines_of("What.", charge="a later word")[-3] == COST["possible"]


def test_a_failure_is_logged_before_it_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    task = EkycSubmitOperator(task_id="submit", numbers="numbers.txt")
    with pytest.raises(EkycFailException, match=r"^Low\.$"), airflow_errors(task):
        raise EkycBalanceError("Low.", status=402)
    assert [(each.levelname, each.message) for each in caplog.records] == [
        ("ERROR", way_out("balance")),
        ("ERROR", "Low."),
        ("ERROR", COST["none"]),
        ("ERROR", "Runbook:"),
        ("ERROR", "docs/runbook.md#balance"),
    ]
    assert not any(each.exc_info for each in caplog.records)


def test_what_may_succeed_later_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EkycRetryException), airflow_errors():
        raise EkycServerError("503.", status=503, retryable=True)
    assert {each.levelname for each in caplog.records} == {"WARNING"}


@pytest.mark.parametrize(("try_number", "level"), [(1, "WARNING"), (2, "WARNING"), (3, "ERROR")])
def test_the_last_try_promises_no_retry(
    try_number: int, level: str, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    context["ti"].try_number, context["ti"].max_tries = try_number, 2
    with pytest.raises(EkycRetryException), airflow_errors(None, context):
        raise EkycServerError("503.", status=503, retryable=True)
    lines = [each for each in caplog.records if each.name == "airflow_provider_ekyc.airflow_errors"]
    assert {each.levelname for each in lines} == {level}
    assert (lines[0].message == AUTOMATIC_RETRY) == (level == "WARNING")


def test_a_failure_of_nested_blocks_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    task = EkycResultsToS3Operator(task_id="land", ekyc_task_id="d1", s3_key="s3://bucket/key")
    with pytest.raises(EkycSensorTimeout), airflow_errors(task), airflow_errors(task):
        raise EkycSensorTimeout.of("Not exported.", {"kind": "timeout", "charge": "certain"})
    assert caplog.messages.count(way_out("timeout")) == 1
    assert caplog.messages[1:3] == ["Remote task:", "d1"]


def test_a_template_that_found_nothing_is_no_remote_task(caplog: pytest.LogCaptureFixture) -> None:
    task = EkycResultsToS3Operator(task_id="land", ekyc_task_id="None", s3_key="s3://bucket/key")
    with pytest.raises(EkycFailException), airflow_errors(task):
        raise EkycError("What.")
    assert "Remote task:" not in caplog.messages


def test_an_error_of_its_own_steps(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EkycFailException), airflow_errors():
        raise EkycError("What.", charge=Charge.CERTAIN).with_steps("Look there:", "s3://bucket/key")
    assert caplog.messages[:4] == ["Look there:", "s3://bucket/key", "What.", COST["certain"]]


def test_an_error_of_others_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="theirs"), airflow_errors():
        raise ValueError("theirs")
    assert caplog.messages == []


@pytest.mark.parametrize("kind", sorted(WAYS_OUT))
def test_a_message_that_begins_a_sentence_like_the_way_out_does_not_say_it_again(kind: str) -> None:
    stem = way_out(kind).rstrip(".").removesuffix(", then clear this task")
    lines = lines_of(f"It failed (404). {stem}; a retry can't help.", kind=kind)
    assert lines[:2] == [way_out(kind), "It failed (404)."]


def test_the_warnings_of_a_wait_are_short_lines(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("airflow_provider_ekyc.made_up")
    quoted = 'failed on the status query (503). The server says: "' + "100% busy, " * 12 + '".'
    Decision(f"The API {quoted} The wait continues. Next query in 30 s.", ask_at=1.0, is_warning=True).log_to(log)
    assert len(caplog.messages) > 2
    assert all(len(line) <= WIDTH for line in caplog.messages)
    assert " ".join(" ".join(caplog.messages).split()).count("100% busy") == 12
    assert caplog.messages[-1].endswith("The wait continues. Next query in 30 s.")
