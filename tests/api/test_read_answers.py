"""What the protocol reads of an answer, and what its errors say: ``api/protocol.py``."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.api.answers import STATUS_ANSWER_LIMIT
from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.api.protocol import balance_query, read_submission_answer, status_query, submit_request
from airflow_provider_ekyc.api.sent_numbers import SentFile
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycConnectionError,
    EkycProxyError,
    EkycSettingsError,
    Outcome,
)
from tests.api.conftest import API_KEY, settings_for
from tests.api.test_failures import SETTINGS, answered


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_with_an_id_is_an_accepted_submission(status: int) -> None:
    assert read_submission_answer(SETTINGS, answered(status, b'{"task_id": "made-up-id"}')).ekyc_task_id == "made-up-id"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"task_id": "d4g8o46p2jv', "it is not a JSON object"),
        (b"", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"),
        (b"null", "it is not a JSON object"),
        (b"<html><title>Just a moment</title>", "an HTML page, Just a moment"),
        (b'{"total": 1}', "it has no task_id"),
        (b'{"code": 1, "msg": "try again"}', 'it has no task_id. The server says: "try again"'),
    ],
)
def test_an_unreadable_2xx_is_an_unknown_outcome(body: bytes, problem: str) -> None:
    with pytest.raises(EkycAnswerError) as caught:
        read_submission_answer(SETTINGS, answered(200, body))
    assert (caught.value.outcome, caught.value.retryable, caught.value.status) == (Outcome.UNKNOWN, False, 200)
    assert type(caught.value) is (EkycProxyError if body.startswith(b"<") else EkycAnswerError)
    assert problem in caught.value.message
    with pytest.raises(EkycAnswerError) as caught:
        status_query(SETTINGS, "made-up-id").read(answered(200, body))
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.REFUSED, True)


@pytest.mark.parametrize("status", [199, 300])
def test_a_submission_under_a_code_other_than_2xx_was_redirected(status: int) -> None:
    with pytest.raises(EkycProxyError, match=rf"The submission was answered with a redirect.*\({status}\)") as caught:
        read_submission_answer(SETTINGS, answered(status, b'{"error": "because"}'))
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("body", "ids", "shown"),
    [
        (b"", (), ""),
        (
            b'{"data": {"task_id": "a-1"}, "task_id": "b-2", "st',
            ("b-2", "a-1"),
            " The answer contains an id; one of these may be the task that was paid for: b-2, a-1.",
        ),
        (b'{"task_id": "made-u', (), " The answer breaks off in an id that begins with made-u."),
    ],
    ids=["nothing", "two ids", "half an id"],
)
def test_an_answer_to_a_submission_that_breaks_off_is_an_unknown_outcome(
    body: bytes, ids: tuple[str, ...], shown: str
) -> None:
    with pytest.raises(EkycConnectionError) as caught:
        read_submission_answer(SETTINGS, replace(answered(200, body), broken_off="MadeUpError"))
    assert caught.value.message == f"The submission got no answer after the upload had begun (MadeUpError).{shown}"
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.UNKNOWN, False)
    assert caught.value.possible_ids == ids


def test_an_answer_with_two_ids_does_not_say_which_task_was_made() -> None:
    with pytest.raises(EkycAnswerError) as caught:
        read_submission_answer(SETTINGS, answered(200, b'[{"task_id": "a-1"}, {"task_id": "b-2"}]'))
    assert caught.value.message == (
        "The answer to the submission can't be read: it does not say for certain which task was made. The server says: "
        '"[{"task_id": "a-1"}, {"task_id": "b-2"}]". The answer contains an id; one of these may be the task that was '
        "paid for: a-1, b-2."
    )
    assert caught.value.possible_ids == ("a-1", "b-2")


def test_an_answer_in_another_encoding_that_gives_no_reason_is_shown() -> None:
    with pytest.raises(EkycAnswerError, match=r"it has no task_id.*made up"):
        read_submission_answer(SETTINGS, answered(200, json.dumps({"note": "made up"}).encode("utf-16")))


SENT = b"+9990000000007\n+9990000000042\n"


@pytest.mark.parametrize("shown", ["+9990000000007", "999-000-000-0042", 9990000000007])
@pytest.mark.parametrize("status", [200, 502])
def test_a_number_that_was_sent_is_no_id(status: int, shown: object) -> None:
    body = json.dumps({"task_id": shown}).encode()
    with pytest.raises(EkycApiError) as caught:
        read_submission_answer(SETTINGS, answered(status, body), sent=SentFile(io.BytesIO(SENT)))
    assert (caught.value.outcome, caught.value.possible_ids) == (Outcome.UNKNOWN, ())
    assert "0007" not in caught.value.message
    assert "0042" not in caught.value.message


@pytest.mark.parametrize("ekyc_task_id", ["9990000000008", "made-up-9990000000007", "made-up-id"])
def test_an_id_that_is_no_number_that_was_sent_is_one(ekyc_task_id: str) -> None:
    body = json.dumps({"task_id": ekyc_task_id}).encode()
    task = read_submission_answer(SETTINGS, answered(200, body), sent=SentFile(io.BytesIO(SENT)))
    assert task.ekyc_task_id == ekyc_task_id


def test_the_end_of_a_number_that_was_sent_is_not_shown_and_an_id_stays_whole() -> None:
    body = b'{"error": "task 123456789012 has line 0000042, at most 7654321", "task_id": "123456789012"}'
    with pytest.raises(EkycApiError) as caught:
        read_submission_answer(SETTINGS, answered(400, body), sent=SentFile(io.BytesIO(SENT)))
    assert '"task 123456789012 has line [number removed], at most 7654321"' in caught.value.message
    assert caught.value.possible_ids == ("123456789012",)


@pytest.mark.parametrize("part", [API_KEY, API_KEY[:12], API_KEY[-12:], API_KEY[5:17].upper(), f"x{API_KEY[5:17]}y"])
def test_twelve_characters_of_the_key_are_no_id(part: str) -> None:
    with pytest.raises(EkycAnswerError) as caught:
        read_submission_answer(SETTINGS, answered(200, json.dumps({"task_id": part}).encode()))
    assert (caught.value.outcome, caught.value.possible_ids) == (Outcome.UNKNOWN, ())
    assert part not in caught.value.message


@pytest.mark.parametrize("part", [API_KEY[:11], API_KEY[-11:]])
def test_an_id_with_fewer_characters_of_the_key_is_one(part: str) -> None:
    body = json.dumps({"task_id": part}).encode()
    assert read_submission_answer(SETTINGS, answered(200, body)).ekyc_task_id == part


def test_a_short_key_is_no_id() -> None:
    short = settings_for("https://api.example", key="made-up")
    with pytest.raises(EkycAnswerError) as caught:
        read_submission_answer(short, answered(200, b'{"task_id": "made-up"}'))
    assert caught.value.possible_ids == ()
    assert read_submission_answer(short, answered(200, b'{"task_id": "made-u"}')).ekyc_task_id == "made-u"


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_the_id_that_was_asked_for_stays_whole_in_the_message(status: int) -> None:
    body = b'{"error": "task 123456789012 is not known, nor is 99912345678"}'
    with pytest.raises(EkycApiError) as caught:
        status_query(SETTINGS, "123456789012").read(answered(status, body))
    assert "task 123456789012 is not known, nor is [number removed]" in caught.value.message


def test_a_wrapped_balance_is_one() -> None:
    body = b'{"code": 0, "msg": "ok", "data": {"balance": "12.5", "credit": 3}}'
    balance = balance_query(SETTINGS).read(answered(200, body))
    assert (balance.balance, balance.credit) == (12.5, 3.0)


def test_an_answer_about_another_task_is_not_accepted() -> None:
    body = b'{"task_id": "other", "status": "exported", "result_url": "https://x.example/?sig=madeup"}'
    with pytest.raises(EkycAnswerError, match="another task") as caught:
        status_query(SETTINGS, "made-up-id").read(answered(202, body))
    assert (caught.value.retryable, caught.value.status) == (True, 202)


STATUS = b'{"task_id": "made-up-id", "status": "exported"}'


def test_an_answer_about_the_task_that_was_asked_for_is_read() -> None:
    task = status_query(SETTINGS, "made-up-id").read(answered(200, STATUS))
    assert (task.ekyc_task_id, task.status) == ("made-up-id", TaskStatus.EXPORTED)


@pytest.mark.parametrize("status", [200, 299])
def test_a_status_answer_is_read_up_to_its_limit_and_not_beyond(status: int) -> None:
    longest = STATUS.ljust(STATUS_ANSWER_LIMIT)
    assert status_query(SETTINGS, "made-up-id").read(answered(status, longest)).status is TaskStatus.EXPORTED
    with pytest.raises(EkycAnswerError) as caught:
        status_query(SETTINGS, "made-up-id").read(answered(status, longest + b" "))
    assert caught.value.message == ("The answer to the status query can't be read: it is longer than 65,536 bytes.")
    assert (caught.value.status, caught.value.retryable) == (status, True)


@pytest.mark.parametrize("length", [0, STATUS_ANSWER_LIMIT + 1])
def test_a_task_under_a_code_other_than_2xx_is_no_answer(length: int) -> None:
    for status in (199, 300):
        with pytest.raises(EkycProxyError, match=rf"The status query was answered with a redirect.*\({status}\)"):
            status_query(SETTINGS, "made-up-id").read(answered(status, STATUS.ljust(length)))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"", "The API, or a proxy before it, failed on the {call} (503)."),
        (200, b"[1]", 'The answer to the {call} can\'t be read: it is not a JSON object. The server says: "[1]".'),
        (
            200,
            b'{"msg": "busy"}',
            'The answer to the {call} can\'t be read: it has no {what}. The server says: "busy".',
        ),
    ],
)
def test_the_error_of_a_query_says_which_query_and_what_is_wrong(status: int, body: bytes, said: str) -> None:
    for query, call, what in (
        (balance_query(SETTINGS), "balance query", "balance"),
        (status_query(SETTINGS, "made-up-id"), "status query", "task_id"),
    ):
        with pytest.raises(EkycApiError) as caught:
            query.read(answered(status, body))
        assert caught.value.message == said.format(call=call, what=what)


@given(st.binary(max_size=200), st.sampled_from([200, 202, 302, 400, 404, 429, 500, 503]))
def test_no_answer_raises_anything_but_an_api_error(body: bytes, status: int) -> None:
    """Unless the bytes are an answer: Hypothesis knows the words of the code, and finds ``{"taskid":"!"``."""
    for read in (
        lambda: read_submission_answer(SETTINGS, answered(status, body)),
        lambda: balance_query(SETTINGS).read(answered(status, body)),
        lambda: status_query(SETTINGS, "x").read(answered(status, body)),
    ):
        try:
            read()
        except EkycApiError:
            continue
        assert status < 300
        assert b"{" in body


def test_requests_carry_the_key_in_a_header_and_show_it_nowhere() -> None:
    parts = submit_request(SETTINGS, "amazon", "made-up-boundary")
    for request in (balance_query(SETTINGS).request, status_query(SETTINGS, "made-up-id").request, parts.request):
        assert request.headers["X-API-Key"] == API_KEY
        assert API_KEY not in repr(request)
        assert API_KEY not in request.url
    assert status_query(SETTINGS, "made-up-id").request.url == "https://api.example/v1/gettasks"
    assert b'name="task_type"\r\n\r\namazon\r\n' in parts.head
    assert parts.head.endswith(b'name="file"; filename="numbers.txt"\r\nContent-Type: text/plain\r\n\r\n')
    assert parts.tail == b"\r\n--made-up-boundary--\r\n"


@pytest.mark.parametrize("task_type", ["a b", 'a"', "a\r\nb", "ä", "x" * 65])
def test_a_task_type_is_a_word(task_type: str) -> None:
    with pytest.raises(EkycSettingsError, match="task_type must be a word"):
        submit_request(SETTINGS, task_type, "b")
