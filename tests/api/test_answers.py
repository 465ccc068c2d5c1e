"""Who wrote an answer, and how long it asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given, strategies as st

from airflow_provider_ekyc.api.answers import Author, HttpAnswer, author_of, retry_after

NOW = datetime(2026, 11, 21, 15, 58, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "kind", "author"),
    [
        (b'{"error": "because"}', "application/json", Author.VENDOR),
        (b'{"error": "because"}', "", Author.VENDOR),
        (b'{"error": "because"}', "text/plain", Author.VENDOR),
        (b'{"code": 401, "msg": "because", "data": null}', "application/json; charset=utf-8", Author.VENDOR),
        (b'{"task_id": "made-up-id"}', "application/json", Author.VENDOR),
        (b'{"error": "because"}', "text/html", Author.JSON),
        (b'{"error": ""}', "application/json", Author.JSON),
        (b"{}", "application/json", Author.JSON),
        (b'"because"', "application/json", Author.JSON),
        (b'{"timestamp": 1, "path": "/v1/tasks", "error": "x"}', "application/json", Author.JSON),
        (b"<!DOCTYPE html><p>", "", Author.PAGE),
        (b"<html>", "application/json", Author.PAGE),
        (b"<center>nginx</center>", "", Author.PAGE),
        (b"blocked", "text/html", Author.PAGE),
        (b"<html/>", "application/xhtml+xml", Author.PAGE),
        (b"\xef\xbb\xbf<html>", "", Author.PAGE),
        (b'<?xml version="1.0"?><Error/>', "", Author.XML),
        (b"<Error/>", "application/xml", Author.XML),
        (b"404 page not found", "text/plain", Author.TEXT),
        (b'{"error": "beca', "application/json", Author.TEXT),
        (b"", "application/json", Author.EMPTY),
        (b" \r\n", "", Author.EMPTY),
        (b"\xef\xbb\xbf", "", Author.EMPTY),
        (b"\xff\xfe\x00", "", Author.TEXT),
        ('{"error": "clave no v\u00e1lida"}'.encode("latin-1"), "application/json", Author.VENDOR),
        ('{"error": "clave no v\u00e1lida"}'.encode("utf-16"), "application/json", Author.VENDOR),
    ],
)
def test_who_wrote_an_answer(body: bytes, kind: str, author: Author) -> None:
    assert author_of(HttpAnswer(400, {"Content-Type": kind}, body, NOW)) is author


@pytest.mark.parametrize(
    ("status", "author"),
    [
        ("", Author.VENDOR),
        ("made-up.example; received-status=400", Author.VENDOR),
        ("made-up.example; error=http_request_denied", Author.JSON),
        ("made-up.example; error = http_request_denied", Author.JSON),
    ],
)
def test_an_answer_of_a_proxy_that_names_its_own_error_is_not_the_vendors(status: str, author: Author) -> None:
    assert author_of(HttpAnswer(400, {"Proxy-Status": status}, b'{"error": "because"}', NOW)) is author


def test_a_header_is_found_in_any_case_and_is_empty_where_there_is_none() -> None:
    one = HttpAnswer(302, {"LOCATION": "/made-up"}, b"", NOW)
    assert (one.header("location"), one.header("content-location")) == ("/made-up", "")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("86400", 3600.0),
        (format_datetime(datetime(2026, 11, 21, 15, 58, 38, tzinfo=UTC), usegmt=True), 30.0),
        ("Sat, 21 Nov 2026 15:58:38 -0000", 30.0),
        ("Sat, 21 Nov 2026 16:58:38 +0100", 30.0),
        (format_datetime(datetime(2026, 11, 21, 15, 0, 0, tzinfo=UTC), usegmt=True), 0.0),
        ("Sat, 21 Nov 2099 15:58:38 GMT", 3600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("nan", None),
        ("Sat, 21 Nov 99999999999999999999 15:58:38 GMT", None),
        ("Sat, 32 Nov 2026 15:58:38 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_neither(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-AFTER": value}, NOW) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after({"Retry": "7"}, NOW) is None


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w*\Z"))
@example(" ")
def test_no_retry_after_breaks_a_call(value: str) -> None:
    seconds = retry_after({"Retry-After": value}, NOW)
    assert seconds is None or 0 <= seconds <= 3600
