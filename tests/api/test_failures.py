from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from airflow_provider_ekyc import exceptions
from airflow_provider_ekyc.api.answers import Author, Call, HttpAnswer, author_of
from airflow_provider_ekyc.api.failures import (
    classify_result_status,
    classify_status,
    classify_transport,
    server_message,
    submission_outcome,
)
from airflow_provider_ekyc.api.paid_ids import FoundIds
from airflow_provider_ekyc.api.protocol import (
    balance_query,
    read_submission_answer,
    status_query,
)
from airflow_provider_ekyc.api.result_stream import read_result_head
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycError,
    EkycExpiredUrlError,
    EkycNotFoundError,
    EkycProxyError,
    EkycRateLimitError,
    EkycRequestError,
    EkycServerError,
    EkycTooLargeError,
    Outcome,
)
from airflow_provider_ekyc.redaction import redact
from tests.api.conftest import API_KEY, settings_for

NOW = datetime(2026, 11, 21, 15, 58, 8, tzinfo=UTC)
SETTINGS = settings_for("https://api.example")
REDACTED = partial(redact, secrets=(API_KEY,))


def answered(status: int, body: bytes = b"", **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW)


ASKING = (Call.STATUS, Call.BALANCE)
EVERY = (Call.SUBMIT, *ASKING)
SUBMIT = (Call.SUBMIT,)
REDIRECTS = (300, 301, 302, 303, 304, 305, 307, 308)

#: What the vendor's own JSON means.
VENDOR = [
    # calls, statuses, class, retryable, outcome
    (SUBMIT, (101, *REDIRECTS), EkycProxyError, False, Outcome.UNKNOWN),
    (ASKING, (101, *REDIRECTS), EkycProxyError, True, Outcome.REFUSED),
    (EVERY, (400,), EkycRequestError, False, Outcome.REFUSED),
    (ASKING, (405, 415, 422), EkycRequestError, False, Outcome.REFUSED),
    (SUBMIT, (404, 405, 410, 415, 422, 451), EkycRequestError, False, Outcome.UNKNOWN),
    (EVERY, (401,), EkycAuthenticationError, False, Outcome.REFUSED),
    (ASKING, (403,), EkycAuthenticationError, False, Outcome.REFUSED),
    (SUBMIT, (403,), EkycAuthenticationError, False, Outcome.UNKNOWN),
    (EVERY, (402,), EkycBalanceError, False, Outcome.REFUSED),
    ((Call.STATUS,), (404,), EkycNotFoundError, False, Outcome.REFUSED),
    ((Call.BALANCE,), (404,), EkycRequestError, False, Outcome.REFUSED),
    (SUBMIT, (407,), EkycProxyError, False, Outcome.UNKNOWN),
    (ASKING, (407,), EkycProxyError, True, Outcome.REFUSED),
    (ASKING, (408, 409, 425, 499), EkycServerError, True, Outcome.REFUSED),
    (SUBMIT, (408, 409, 425, 499), EkycServerError, False, Outcome.UNKNOWN),
    (SUBMIT, (413,), EkycTooLargeError, False, Outcome.REFUSED),
    (ASKING, (413,), EkycRequestError, False, Outcome.REFUSED),
    (EVERY, (429,), EkycRateLimitError, True, Outcome.REFUSED),
    (EVERY, (500,), EkycServerError, True, Outcome.REFUSED),
    (ASKING, (501, 502, 503, 504, 520, 599), EkycServerError, True, Outcome.REFUSED),
    (SUBMIT, (501, 502, 503, 504, 520, 599), EkycServerError, False, Outcome.UNKNOWN),
]

#: Bodies that are not the vendor's, or not known to be.
NOT_THE_VENDORS = {
    "HTML": b"<html><head><title>Just a moment</title></head></html>",
    "text": b"upstream connect error",
    "foreign JSON": b'{"fault": {"faultstring": "no target"}}',
    "problem": b'{"type": "about:blank", "title": "Denied", "error": "denied"}',
    "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "half": b'{"error": "because',
    "list": b'[{"error": "because"}]',
    "empty": b"",
}


def rows(table: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(call, status, *row[2:]) for row in table for call in row[0] for status in row[1]]


@pytest.mark.parametrize(("call", "status", "kind", "retryable", "outcome"), rows(VENDOR))
def test_what_the_vendors_own_answer_means(
    call: Call, status: int, kind: type[EkycApiError], retryable: bool, outcome: Outcome
) -> None:
    error = classify_status(call, answered(status, b'{"error": "because"}'), REDACTED)
    assert (type(error), error.status, error.retryable, error.outcome) == (kind, status, retryable, outcome)
    assert str(status) in error.message


NOT_2XX = (*range(100, 200), *range(300, 600))


@pytest.mark.parametrize("body", NOT_THE_VENDORS.values(), ids=NOT_THE_VENDORS)
def test_what_is_not_the_vendors_ends_no_wait_and_makes_no_submission_free(body: bytes) -> None:
    for status in NOT_2XX:
        for call in ASKING:
            error = classify_status(call, answered(status, body), REDACTED)
            assert (status, error.retryable, error.outcome) == (status, True, Outcome.REFUSED)
            assert "can't help" not in error.message
        error = classify_status(Call.SUBMIT, answered(status, body), REDACTED)
        assert (status, error.retryable, error.outcome) == (status, False, Outcome.UNKNOWN)
        assert "Nothing was charged" not in error.message
        assert "free" not in error.message


def test_a_code_that_no_page_calls_free_leaves_a_submission_unknown() -> None:
    refused = [
        status
        for status in NOT_2XX
        if submission_outcome(answered(status, b'{"error": "because"}')) is not Outcome.UNKNOWN
    ]
    assert refused == [400, 401, 402, 413, 429, 500]


_BECAUSE = b'{"error": "because"}'


@pytest.mark.parametrize(
    ("call", "status", "body", "message"),
    [
        (Call.STATUS, 429, _BECAUSE, 'The API asks to slow down (429). The server says: "because".'),
        (Call.STATUS, 429, b"", "The API, or a proxy before it (an empty body), asks to slow down (429)."),
        (Call.STATUS, 500, _BECAUSE, 'The API failed on the status query (500). The server says: "because".'),
        (Call.STATUS, 500, b"", "The API, or a proxy before it, failed on the status query (500)."),
        (
            Call.STATUS,
            502,
            _BECAUSE,
            'The API, or a proxy before it, failed on the status query (502). The server says: "because".',
        ),
        (
            Call.SUBMIT,
            413,
            _BECAUSE,
            'The file is too large for the API (413). The server says: "because". Nothing was charged. Split the input '
            "into smaller files and submit each (a mapped EkycSubmitOperator does); a retry can't help.",
        ),
        (
            Call.SUBMIT,
            413,
            b"",
            "The file is too large for the API, or for a proxy before it (an empty body) (413).",
        ),
    ],
)
def test_the_message_says_who_answered_and_advises_only_where_the_outcome_is_known(
    call: Call, status: int, body: bytes, message: str
) -> None:
    assert classify_status(call, answered(status, body), REDACTED).message == message


def test_what_may_be_the_id_of_a_paid_task_goes_with_the_error() -> None:
    ids = FoundIds(possible=("made-up-id",))
    for error in (
        classify_status(Call.SUBMIT, answered(400, _BECAUSE), REDACTED, ids),
        classify_transport(Call.SUBMIT, "MadeUpError", sent=True, ids=ids),
    ):
        assert (error.outcome, error.possible_ids) == (Outcome.UNKNOWN, ("made-up-id",))
        assert ids.shown in error.message


def test_a_date_to_wait_for_counts_from_the_arrival_of_the_answer() -> None:
    busy = answered(503, Retry_After="Sat, 21 Nov 2026 15:59:08 GMT")
    assert classify_status(Call.STATUS, busy, REDACTED).retry_after == 60.0
    assert classify_result_status(busy).retry_after == 60.0


def test_a_call_that_was_not_sent_got_no_answer() -> None:
    error = classify_transport(Call.SUBMIT, "MadeUpError", sent=False)
    assert error.message == "The submission got no answer (MadeUpError)."


@pytest.mark.parametrize("ids", [FoundIds(possible=("made-up-id",)), FoundIds(cut_off="made-u")])
def test_an_id_whole_or_in_part_leaves_a_refused_submission_unknown(ids: FoundIds) -> None:
    refused = answered(400, b'{"error": "because"}')
    assert submission_outcome(refused) is Outcome.REFUSED
    assert submission_outcome(refused, ids) is Outcome.UNKNOWN


def test_a_query_that_the_vendor_did_not_answer_in_time_needs_no_advice() -> None:
    error = classify_status(Call.STATUS, answered(408, b'{"error": "because"}'), REDACTED)
    assert error.message == 'The status query was not answered (408). The server says: "because".'


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_page_of_a_proxy_is_named_as_one(status: int) -> None:
    error = classify_status(Call.STATUS, answered(status, NOT_THE_VENDORS["HTML"]), REDACTED)
    assert f"answered by an HTML page, not by the API ({status})" in error.message
    assert "Just a moment" in error.message


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "application/problem+json"},
        {"Proxy-Authenticate": "Basic"},
        {"Proxy-Status": "made-up; error=connection_refused"},
        {"X-Squid-Error": "ERR_ACCESS_DENIED 0"},
        {"x-amzn-ErrorType": "ForbiddenException"},
        {"X-Kong-Response-Latency": "1"},
        {"X-Generator": "tyk.io"},
    ],
)
def test_a_header_of_a_gateway_says_that_it_is_not_the_vendors(headers: dict[str, str]) -> None:
    body = b'{"message": "Too many requests"}'
    assert author_of(HttpAnswer(429, {}, body, NOW)) is Author.VENDOR
    assert author_of(HttpAnswer(429, headers, body, NOW)) is not Author.VENDOR
    assert submission_outcome(HttpAnswer(429, headers, body, NOW)) is Outcome.UNKNOWN


def test_a_500_of_a_gateway_that_has_sent_the_list_on_is_not_known_to_be_free() -> None:
    azure = b'{"statusCode": 500, "message": "Internal server error", "activityId": "made-up"}'
    tyk = HttpAnswer(500, {"X-Generator": "tyk.io"}, b'{"error": "There was a problem proxying the request"}', NOW)
    for answer in (answered(500, azure), tyk):
        error = classify_status(Call.SUBMIT, answer, REDACTED)
        assert (error.outcome, error.retryable) == (Outcome.UNKNOWN, False)
        assert "Nothing was charged" not in error.message


@pytest.mark.parametrize("status", [401, 402, 403, 407, 413])
@pytest.mark.parametrize("body", NOT_THE_VENDORS.values(), ids=NOT_THE_VENDORS)
def test_a_refusal_before_the_whole_file_was_sent_is_free_from_any_server(status: int, body: bytes) -> None:
    early = HttpAnswer(status, {}, body, NOW, request_sent=False)
    error = classify_status(Call.SUBMIT, early, REDACTED)
    assert (error.outcome, error.retryable) == (Outcome.REFUSED, False)
    assert "Nothing was charged" in error.message


@pytest.mark.parametrize("status", [302, 400, 404, 408, 429, 499, 500, 502, 503])
def test_another_answer_before_the_whole_file_was_sent_is_free_only_if_the_vendor_says_so(status: int) -> None:
    early = HttpAnswer(status, {}, NOT_THE_VENDORS["HTML"], NOW, request_sent=False)
    assert submission_outcome(early) is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [400, 401, 402, 413, 429, 500])
def test_a_refused_submission_is_said_to_be_free_and_a_query_says_nothing_of_money(status: int) -> None:
    body = b'{"error": "because"}'
    assert "Nothing was charged" in classify_status(Call.SUBMIT, answered(status, body), REDACTED).message
    for call in ASKING:
        assert "charged" not in classify_status(call, answered(status, body), REDACTED).message


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("call", EVERY)
def test_what_the_server_asks_to_wait_goes_with_the_error(call: Call, status: int) -> None:
    assert classify_status(call, answered(status, Retry_After="7"), REDACTED).retry_after == 7.0
    assert classify_status(call, answered(status), REDACTED).retry_after is None


@pytest.mark.parametrize("call", Call)
def test_a_lost_connection_is_an_unknown_outcome_only_of_a_submission_that_was_sent(call: Call) -> None:
    for sent in (True, False):
        error = classify_transport(call, "MadeUpError", sent=sent)
        unknown = call is Call.SUBMIT and sent
        assert type(error) is EkycConnectionError
        assert error.outcome is (Outcome.UNKNOWN if unknown else Outcome.NOT_SENT)
        assert error.retryable is not unknown
        assert "MadeUpError" in error.message
        assert error.status is None


def test_an_unknown_outcome_is_never_retryable_however_it_is_made() -> None:
    assert EkycApiError("x", retryable=True, outcome=Outcome.UNKNOWN).retryable is False


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (403, "<Code>AccessDenied</Code><Message>Request has expired</Message>", EkycExpiredUrlError, False),
        (400, "<Code>ExpiredToken</Code><Message>The provided token</Message>", EkycExpiredUrlError, False),
        (403, "<Code>AccessDenied</Code><Message>Access Denied</Message>", EkycRequestError, False),
        (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", EkycRequestError, False),
        (404, "<Error><Code>NoSuchKey</Code></Error>", EkycRequestError, False),
        (416, "<Error><Code>InvalidRange</Code></Error>", EkycRequestError, False),
        (307, "<Error><Code>TemporaryRedirect</Code></Error>", EkycRequestError, False),
        (307, "", EkycProxyError, True),
        (302, "<html><title>Sign in</title></html>", EkycProxyError, True),
        (403, "<html><title>Blocked</title></html>", EkycProxyError, True),
        (403, "", EkycProxyError, True),
        (404, "page not found", EkycProxyError, True),
        (408, "", EkycServerError, True),
        (429, "", EkycServerError, True),
        (500, "<Error><Code>InternalError</Code></Error>", EkycServerError, True),
        (503, "<Error><Code>SlowDown</Code></Error>", EkycServerError, True),
    ],
)
def test_what_the_store_of_results_means(status: int, body: str, kind: type[EkycApiError], retryable: bool) -> None:
    error = classify_result_status(answered(status, body.encode(), Retry_After="3"))
    assert (type(error), error.status, error.retryable) == (kind, status, retryable)
    assert error.retry_after == (3.0 if type(error) is EkycServerError else None)
    assert "<" not in error.message


@pytest.mark.parametrize(("status", "is_redirect"), [(204, False), (300, True), (399, True), (400, False)])
def test_an_answer_that_is_not_the_stores_is_said_to_be_a_redirect_only_if_it_is_one(
    status: int, is_redirect: bool
) -> None:
    message = classify_result_status(answered(status)).message
    said = f"not by the result's store ({status})."
    assert message.endswith(f"{said} A redirect is not followed." if is_redirect else said)


@pytest.mark.parametrize(
    ("body", "by"),
    [(b'{"message": "Forbidden"}', "a JSON object"), (b'{"made": "up"}', "a JSON object"), (b"no", "plain text")],
)
def test_what_is_not_the_stores_is_not_said_to_be_the_apis(body: bytes, by: str) -> None:
    error = classify_result_status(answered(403, body))
    assert error.message == f"The result download was answered by {by}, not by the result's store (403)."
    assert error.steps == ("Check the proxies between the workers and the result's store, then clear this task.",)


def test_the_code_of_a_store_is_read_from_an_answer_that_is_no_whole_text() -> None:
    error = classify_result_status(answered(404, b"<Error><Code>NoSuchKey</Code><Key>\xff\xfe</Key></Error>"))
    assert type(error) is EkycRequestError
    assert "NoSuchKey" in error.message


def test_of_a_stores_answer_only_its_code_is_shown() -> None:
    body = (
        b"<Error><Code>AccessDenied</Code><AWSAccessKeyId>MADEUPKEYID</AWSAccessKeyId><Resource>+99912345678</Resource>"
    )
    message = classify_result_status(answered(403, body)).message
    assert "AccessDenied" in message
    assert "MADEUPKEYID" not in message
    assert "999123" not in message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "invalid_batch_size"}', "invalid_batch_size"),
        (b'{"error": "invalid_batch_size", "message": "takes 100 rows"}', "invalid_batch_size: takes 100 rows"),
        (b'{"error": "same", "msg": "same"}', "same"),
        (b'{"msg": "too low"}', "too low"),
        (b'{"error": {"code": 7, "message": "nested"}}', "{'code': 7, 'message': 'nested'}"),
        (b'{"code": 7}', ""),
        (b"{}", ""),
        (b"[1]", "[1]"),
        (b"Bad Gateway\r\nnginx", "Bad Gateway nginx"),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"<html><head><title>502 Bad\nGateway</title></head>", "an HTML page, 502 Bad Gateway"),
        (b"<!DOCTYPE html><p>+99912345678</p>", "an HTML page"),
        (b"<HTML><TITLE lang=en>Denied</TITLE>", "an HTML page, Denied"),
        (b'<?xml version="1.0"?><Error/>', "an XML document"),
        (b'{"error": "bad number +99912345678"}', "bad number [number removed]"),
        (f'{{"error": "no key {API_KEY}"}}'.encode(), "no key ***"),
        (f"GET https://x.example/?key={API_KEY} failed".encode(), "GET https://x.example/?*** failed"),
        (b"[" * 100_000, "[" * 300 + "\u2026"),
    ],
)
def test_what_the_server_says_is_made_safe_to_show(body: bytes, said: str) -> None:
    assert server_message(body, REDACTED) == said


@pytest.mark.parametrize("status", [200, 400, 401, 402, 404, 413, 422, 429, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "bad number +99912345678 of key KEY at https://x.example/a?sig=madeup"}',
        b"bad number +99912345678 of key KEY at https://x.example/a?sig=madeup",
        b"<title>bad number +99912345678 of key KEY at https://x.example/a?sig=madeup</title>",
        b'{"message": {"number": "+99912345678", "key": "KEY", "url": "https://x.example/a?sig=madeup"}}',
    ],
)
def test_what_the_server_echoes_is_in_no_error(status: int, body: bytes) -> None:
    answer = answered(status, body.replace(b"KEY", API_KEY.encode()))
    for read in (
        lambda: read_submission_answer(SETTINGS, answer),
        lambda: status_query(SETTINGS, "made-up-id").read(answer),
        lambda: balance_query(SETTINGS).read(answer),
    ):
        with pytest.raises(EkycApiError) as caught:
            read()
        for secret in (API_KEY, "999123", "sig=madeup"):
            assert secret not in f"{caught.value!r} {caught.value} {caught.value.__dict__}"


def test_a_result_head_says_where_it_starts_and_how_long_it_is() -> None:
    whole = read_result_head(200, {"Content-Length": "10", "ETag": '"a"'})
    assert (whole.start, whole.length, whole.etag) == (0, 10, '"a"')
    part = read_result_head(206, {"content-range": "bytes 4-9/10", "content-length": "6"})
    assert (part.start, part.length, part.etag) == (4, 10, None)
    assert read_result_head(206, {"Content-Range": "bytes 4-9/*"}).length is None
    for length in ("", "many", "-1", "9" * 30):
        assert read_result_head(200, {"Content-Length": length}).length is None


@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes */10"}, {"Content-Range": "rows 1-2/3"}])
def test_a_part_that_does_not_say_which_is_not_accepted_for_the_whole(headers: dict[str, str]) -> None:
    with pytest.raises(EkycServerError) as caught:
        read_result_head(206, {"Content-Length": "6", **headers})
    assert caught.value.retryable


_CLASSES = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, EkycError)]


@pytest.mark.parametrize("kind", _CLASSES)
def test_errors_survive_the_way_between_processes(kind: type[EkycError]) -> None:
    given_ = {"status": 429, "retryable": True, "retry_after": 7.5, "outcome": Outcome.REFUSED}
    error = kind("made up", **given_) if issubclass(kind, EkycApiError) else kind("made up")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert twin.__dict__ == error.__dict__
        assert (str(twin), twin.message, twin.retryable) == ("made up", "made up", error.retryable)
