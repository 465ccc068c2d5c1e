"""What the protocol reads of an answer, and what its errors say: ``api/protocol.py``."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.api.answers import STATUS_ANSWER_LIMIT
from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.api.protocol import balance_query, read_submission_answer, status_query, submit_request
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycProxyError,
    EkycSettingsError,
    Outcome,
)
from tests.api.conftest import API_KEY
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
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.UNKNOWN, False)
    assert problem in caught.value.message
    with pytest.raises(EkycAnswerError) as caught:
        status_query(SETTINGS, "made-up-id").read(answered(200, body))
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.REFUSED, True)


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
