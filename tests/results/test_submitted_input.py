"""The input that was sent, read once more: what it holds, and what is said of one that can't be read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycConnectionError, EkycSpoolError
from airflow_provider_ekyc.results.compare import submitted_input as module
from airflow_provider_ekyc.results.compare.submitted_input import Stopped, SubmittedInput, UnreadableInput

LINES = b"+12025550100\n+12025550101\n"


@pytest.fixture
def submitted(tmp_path: Path) -> SubmittedInput:
    path = tmp_path / "numbers.txt"
    path.write_bytes(LINES)
    return SubmittedInput(str(path), None, None)


def failed_with(submitted: SubmittedInput, error: Exception) -> str:
    """Return what is said of an error that is raised while the input is open."""
    with pytest.raises(UnreadableInput) as failed, submitted.opened(lambda: False):
        raise error
    assert failed.value.__suppress_context__
    start, _, reason = str(failed.value).partition(" can't be read any more (")
    assert start == f"the input at {submitted.numbers}"
    assert reason.endswith(").")
    return reason.removesuffix(").")


def test_it_is_read_in_pieces(submitted: SubmittedInput) -> None:
    with submitted.opened(lambda: False) as source:
        assert [source.read(size) for size in (5, 100, 100)] == [LINES[:5], LINES[5:], b""]


def test_it_is_read_until_it_is_no_longer_needed(submitted: SubmittedInput) -> None:
    is_stopped, read = [False, False, True], []

    def read_on() -> None:
        with submitted.opened(lambda: is_stopped.pop(0)) as source:
            while True:
                read.append(source.read(1))

    with pytest.raises(Stopped):
        read_on()
    assert (is_stopped, read) == ([], [b"+", b"1"])


def test_one_that_is_gone_is_named_without_its_query(tmp_path: Path) -> None:
    gone = tmp_path / "gone.txt"
    with (
        pytest.raises(UnreadableInput, match=rf"^the input at {gone} can't be read any more \(There is no") as failed,
        SubmittedInput(f"{gone}?made-up", None, None).opened(lambda: False),
    ):
        pass
    assert failed.value.__suppress_context__
    assert str(failed.value).endswith(" on this worker).")


def test_one_that_is_gone_is_named_without_what_looks_like_a_number(tmp_path: Path) -> None:
    with (
        pytest.raises(UnreadableInput, match=r"^the input at \S+/\[number removed\]\.txt can't be read") as failed,
        SubmittedInput(str(tmp_path / "+12025550100.txt"), None, None).opened(lambda: False),
    ):
        pass
    assert "2025550100" not in str(failed.value)


def test_the_connection_to_s3_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = {"conn_type": "aws", "extra": {"config_kwargs": {"made_up": 1}}}
    monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", json.dumps(aws))
    with (
        pytest.raises(UnreadableInput, match=r"of the AWS connection 'made_up' \(TypeError\)\)\.$"),
        SubmittedInput("s3://bucket/key", "made_up", None).opened(lambda: False),
    ):
        pass


def test_each_connection_is_used_for_its_own_kind_of_store(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    @contextmanager
    def opened(numbers: str, **connections: Any) -> Iterator[io.BytesIO]:
        calls.append((numbers, connections))
        yield io.BytesIO(LINES)

    monkeypatch.setattr(module, "open_numbers", opened)
    with SubmittedInput("made-up://up", "an_aws_connection", "another").opened(lambda: False) as source:
        assert source.read() == LINES
    assert calls == [("made-up://up", {"aws_conn_id": "an_aws_connection", "numbers_conn_id": "another"})]


def test_of_an_error_the_first_sentence_is_said_and_no_number(submitted: SubmittedInput) -> None:
    assert failed_with(submitted, EkycConnectionError("The line is cut. A retry may help.")) == "The line is cut"
    assert failed_with(submitted, EkycConnectionError("The line is cut.")) == "The line is cut"
    assert "12025550100" not in failed_with(submitted, EkycConnectionError("Cut after +12025550100. Sorry."))


def test_any_other_error_is_its_class_and_its_place(submitted: SubmittedInput) -> None:
    name, _, line = failed_with(submitted, ValueError("+12025550100")).partition(":")
    assert name == "ValueError in test_submitted_input.py"
    assert int(line) > 1

    def deeper() -> None:
        raise LookupError("made up")

    with pytest.raises(UnreadableInput) as failed, submitted.opened(lambda: False):
        deeper()
    assert f"(LookupError in test_submitted_input.py:{deeper.__code__.co_firstlineno + 1})" in str(failed.value)


@pytest.mark.parametrize("error", [EkycSpoolError("the disk is full"), Stopped()])
def test_what_is_no_error_of_the_input_is_raised_as_it_is(error: Exception, submitted: SubmittedInput) -> None:
    with pytest.raises(type(error)) as failed, submitted.opened(lambda: False):
        raise error
    assert failed.value is error
