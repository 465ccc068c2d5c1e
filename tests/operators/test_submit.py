"""EkycSubmitOperator against the sandbox and the S3 server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException, ObjectStoragePath
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.s3_server import S3Server
from dev.testing.task_context import TaskInstance
from tests.conftest import API_KEY, BUCKET, aws_connection

pytestmark = pytest.mark.usefixtures("connections")


def submit(numbers: object, **arguments: Any) -> EkycSubmitOperator:
    return EkycSubmitOperator(task_id="submit", numbers=str(numbers), **arguments)


def fails(operator: EkycSubmitOperator, context: dict[str, Any]) -> str:
    """Run it; return the message of the one error, which Airflow will not retry."""
    with pytest.raises(AirflowFailException) as failed:
        operator.execute(context)
    assert "submission" not in context["ti"].xcoms
    assert failed.value.__cause__ is None
    return str(failed.value)


def uncharged(sandbox: Sandbox) -> bool:
    return len(sandbox.bill.submissions) == 0


def test_it_submits_once_and_returns_ids_and_counts(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    ekyc_task_id = submit(numbers_file).execute(context)
    assert [task.task_id for task in sandbox.tasks] == [ekyc_task_id]
    assert len(sandbox.bill.submissions) == 1
    submission = context["ti"].xcoms["submission"]
    assert submission["ekyc_task_id"] == ekyc_task_id
    assert (submission["lines_read"], submission["rows"], submission["total"]) == (200, 200, 200)


def test_what_is_sent_is_the_cleaned_file(
    sandbox: Sandbox, tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    messy = tmp_path / "messy.txt"
    messy.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*numbers, "", f" {numbers[0]}\t", "garbage"]).encode())
    submit(messy, invalid="drop").execute(context)
    clean = "".join(f"{number}\n" for number in numbers).encode()
    assert sandbox.bill.submissions[0].sha256 == hashlib.sha256(clean).hexdigest()
    submission = context["ti"].xcoms["submission"]
    assert (submission["blank"], submission["duplicates"], submission["invalid"]) == (1, 1, 1)
    assert submission["input_sha256"] == hashlib.sha256(messy.read_bytes()).hexdigest()


def test_the_log_names_the_input_without_what_looks_like_a_number(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    submit(numbers_file.rename(numbers_file.with_name("+12025550100.txt"))).execute(context)
    logged = capsys.readouterr().out
    assert f"Read 200 lines of {numbers_file.parent}/[number removed].txt" in logged
    assert "2025550100" not in logged


def test_it_reads_from_s3(sandbox: Sandbox, s3: Any, numbers_file: Path, context: dict[str, Any]) -> None:
    s3.put_object(Bucket=BUCKET, Key="in/numbers.txt", Body=numbers_file.read_bytes())
    submit(f"s3://{BUCKET}/in/numbers.txt").execute(context)
    assert sandbox.bill.submissions[0].rows == 200


def test_it_reads_what_object_storage_opens(sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]) -> None:
    submit(f"local://{numbers_file}").execute(context)
    assert sandbox.bill.submissions[0].rows == 200


def test_path_objects_and_the_connection_in_an_address_name_the_input(
    sandbox: Sandbox, s3: Any, s3_server: S3Server, numbers_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=BUCKET, Key="in/numbers.txt", Body=numbers_file.read_bytes())
    monkeypatch.setenv("AIRFLOW_CONN_OTHER_AWS", aws_connection(s3_server))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws", "extra": {"endpoint_url": "nowhere"}}')
    address = f"s3://other_aws@{BUCKET}/in/numbers.txt"
    for number, numbers in enumerate((numbers_file, address, ObjectStoragePath(address), [str(numbers_file)]), 1):
        operator = EkycSubmitOperator(task_id=f"submit_{number}", numbers=numbers)
        context: dict[str, Any] = {"ti": TaskInstance()}
        context["ti"].task_id = operator.task_id
        operator.render_template_fields(context)
        operator.execute(context)
        assert len(sandbox.bill.submissions) == number


@pytest.mark.parametrize("numbers", [["+12025550100", "+12025550101"], "+12025550100,+12025550101", 12025550100])
def test_numbers_in_place_of_a_path_are_not_quoted(
    sandbox: Sandbox, context: dict[str, Any], numbers: object, caplog: pytest.LogCaptureFixture
) -> None:
    message = fails(EkycSubmitOperator(task_id="submit", numbers=numbers), context)
    assert "looks like numbers, not a path. Nothing was sent." in message
    assert "2025550" not in message + caplog.text
    assert uncharged(sandbox)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no file"),
        (b"", "input is empty"),
        (b"\n \n", "0 numbers are left"),
        (b"12025550100\n", "1 of 1 lines are invalid: line 1"),
        (b"+12025550100\n", "fewer than the minimum of 100"),
    ],
)
def test_a_bad_file_fails_before_any_call(
    content: bytes | None, said: str, sandbox: Sandbox, tmp_path: Path, context: dict[str, Any]
) -> None:
    path = tmp_path / "numbers.txt"
    if content is not None:
        path.write_bytes(content)
    message = fails(submit(path), context)
    assert said in message
    assert "2025550100" not in message
    assert sum(sandbox.calls.values()) == 0


def test_a_missing_s3_object_is_named(sandbox: Sandbox, s3: Any, context: dict[str, Any]) -> None:
    assert f"s3://{BUCKET}/nothing.txt" in fails(submit(f"s3://{BUCKET}/nothing.txt"), context)
    assert sum(sandbox.calls.values()) == 0


def test_the_row_limits_are_the_connections(
    sandbox: Sandbox, connect: Callable[..., None], numbers_file: Path, context: dict[str, Any]
) -> None:
    connect(sandbox, row_limits="amazon=1-50")
    assert "more than the maximum of 50" in fails(submit(numbers_file), context)
    assert sum(sandbox.calls.values()) == 0


def test_a_wrong_key_is_an_error_before_the_upload(
    sandbox: Sandbox, connect: Callable[..., None], numbers_file: Path, context: dict[str, Any]
) -> None:
    connect(sandbox, password="a-wrong-made-up-key")
    message = fails(submit(numbers_file), context)
    assert "401" in message
    assert "password" in message
    assert "a-wrong-made-up-key" not in message
    assert sandbox.calls["submit"] == 0


def test_an_empty_account_says_to_top_up(sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]) -> None:
    sandbox.change(balance=0.0)
    message = fails(submit(numbers_file), context)
    assert "402" in message
    assert "Top up" in message
    assert uncharged(sandbox)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def either(request: pytest.FixtureRequest, connect: Callable[..., None]) -> Iterator[Sandbox]:
    """A sandbox over plain HTTP, and one over TLS, as the default connection."""
    with Sandbox(API_KEY, tls=request.param) as running:
        connect(running)
        yield running


@pytest.mark.parametrize("at_byte", [None, 0, 1_500_000])
def test_a_file_too_large_says_to_split_even_if_the_api_answers_early(
    either: Sandbox, at_byte: int | None, tmp_path: Path, context: dict[str, Any]
) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("".join(f"+999{number:010d}\n" for number in range(300_000)))
    if at_byte is None:
        either.change(max_upload_bytes=1000)
    else:
        either.fault("submit", "early_status", status=413, at_byte=at_byte)
    message = fails(submit(path), context)
    assert "413" in message
    assert "Split" in message
    assert uncharged(either)


def test_a_refused_request_shows_the_message_of_the_server(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.change(row_limits={"amazon": (500, 1000)})
    message = fails(submit(numbers_file), context)
    assert "invalid_batch_size" in message
    assert uncharged(sandbox)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status_after", "html", "broken_json", "without_task_id"])
def test_an_unknown_outcome_is_never_sent_again(
    kind: str, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", kind)
    message = fails(submit(numbers_file), context)
    assert "may or may not have been accepted and charged" in message
    assert "200 numbers" in message
    assert "balance before 1,000,000.00, now" in message
    assert sandbox.calls["submit"] == 1


@pytest.mark.parametrize("status", [429, 500])
def test_what_the_api_answers_as_free_is_sent_again(
    status: int, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "status", status=status)
    submit(numbers_file).execute(context)
    assert sandbox.calls["submit"] == 2
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("no_waits")
def test_a_balance_query_that_fails_does_not_stop_the_submission(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("balance", "status", status=500, times=None)
    submit(numbers_file).execute(context)
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("no_waits")
def test_a_balance_query_that_another_server_answers_stops_the_submission(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("balance", "html", times=None)
    with pytest.raises(EkycRetryException, match="No submission was sent"):
        submit(numbers_file).execute(context)
    assert sandbox.calls["submit"] == 0


@pytest.mark.usefixtures("no_waits")
def test_a_host_that_cannot_be_reached_may_be_tried_again_by_airflow(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.stop()
    with pytest.raises(EkycRetryException, match="got no answer"):
        submit(numbers_file).execute(context)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"check_e164": "maybe"}, "check_e164"),
        ({"invalid": "ignore"}, "invalid"),
        ({"task_type": ""}, "task_type"),
        ({"task_type": "ama zon"}, "task_type"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: dict[str, Any], said: str, sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    assert said in fails(submit(numbers_file, **arguments), context)
    assert uncharged(sandbox)


def test_a_connection_that_airflow_does_not_find_is_an_error_that_may_be_retried(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    with pytest.raises(EkycRetryException, match="no connection 'nowhere', or could not read it"):
        submit(numbers_file, ekyc_conn_id="nowhere").execute(context)
    assert uncharged(sandbox)


def test_other_task_types_may_disable_the_check(sandbox: Sandbox, tmp_path: Path, context: dict[str, Any]) -> None:
    path = tmp_path / "addresses.txt"
    path.write_text("".join(f"somebody{n}@mail.example\n" for n in range(150)))
    operator = submit(path, task_type="amazon_email", check_e164="False")
    message = fails(operator, context)  # the sandbox takes numbers only; what counts is that the lines were sent
    assert "invalid" in message.lower() or "400" in message
    assert sandbox.calls["submit"] == 1
