from __future__ import annotations

import html
import json
import time
import tracemalloc
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings, strategies as st

from airflow_provider_ekyc.redaction import redact, without_query

KEY = 'made-up"key\\with/odd&signs<0123>'
_WORDS = st.text(alphabet=st.characters(exclude_categories=["Nd", "Cs"]), max_size=30)
_NUMBER = st.from_regex(r"\+999[0-9]{4,11}", fullmatch=True)


@pytest.mark.parametrize(
    "shown",
    [
        "+1 212 555 0123",
        "+1 (212) 555-0123",
        "+1.212.555.0123",
        "+12125550123",
        "12125550123",
        "+99912",
        "%2B99912",
        "\0".join("+99912345678"),  # UTF-16, read as UTF-8
        "+999\n12345678",
        "".join(chr(0xFF10 + int(digit)) for digit in "99912345678"),  # full width,
    ],
)
def test_a_number_is_removed_however_it_is_grouped(shown: str) -> None:
    assert redact(f"bad number {shown} in line 3") == "bad number [number removed] in line 3"


@pytest.mark.parametrize(
    "text",
    [
        "amazon takes 100 to 10,000,000 rows, got 99",
        "invalid_batch_size: 2049",
        "maintenance until 2025-11-21T08:27:09.933Z",
        "maintenance until 2025-11-21T08:27:09.916446594Z, then 503",
    ],
)
def test_counts_codes_and_times_stay(text: str) -> None:
    assert redact(text) == text


@given(_WORDS, _NUMBER, _WORDS)
@example("at 2025-11-21T08:27:09", "+9991234567", "")
@example("1", "+9991234567", "2025-11-21T08:27:09")
def test_no_number_survives(before: str, number: str, after: str) -> None:
    shown = redact(f"{before}{number}{after}", limit=1000)
    assert number not in shown
    assert number[1:] not in shown


@given(st.lists(_NUMBER, min_size=2, max_size=10), st.sampled_from(["\n", "\r\n", ",", " ", ";", "\t", '","', "<br>"]))
def test_no_number_of_a_list_survives(numbers: list[str], separator: str) -> None:
    shown = redact(separator.join(numbers), limit=10_000)
    assert not [number for number in numbers if number in shown]


@given(_WORDS, _WORDS)
@example("(?", "")
@example("", "????")
@example(" ", " ")
def test_no_query_of_a_url_survives(before: str, after: str) -> None:
    url = "https://s3.example/made-up.zip?X-Amz-Expires=60&X-Amz-Signature=madeupsignature"
    assert "madeupsignature" not in redact(f"{before}{url}{after}", limit=1000)


@pytest.mark.parametrize(
    "text",
    [
        "?X-Amz-Signature=madeupsignature",
        "&X-Amz-Signature=madeupsignature&x=1",
        "X-Amz-Signature=madeupsignature",
        "next=https%3A%2F%2Fs3.example%2Fa%3FX-Amz-Signature%3Dmadeupsignature",
        "https://s3.example/a?b?X-Amz-Signature=madeupsignature",
        "https://s3.example/a?x-amz-signature=madeupsignature",
    ],
)
def test_a_signature_is_removed_without_its_url_too(text: str) -> None:
    assert "madeupsignature" not in redact(text)


@given(_WORDS, _WORDS)
@settings(max_examples=50, deadline=None)
def test_no_key_survives_in_any_spelling(before: str, after: str) -> None:
    for spelling in (KEY, json.dumps(KEY), json.dumps({"key": KEY}), html.escape(KEY), quote(KEY, safe=""), repr(KEY)):
        shown = redact(f"{before}{spelling}{after}", secrets=(KEY,), limit=1000)
        assert KEY not in shown
        assert "0123" not in shown


def test_a_key_of_digits_is_no_exception() -> None:
    assert "12345" not in redact("wrong key 12345", secrets=("12345",))


def test_an_empty_secret_changes_nothing() -> None:
    assert redact("as it was", secrets=("",)) == "as it was"


@given(st.text(), st.integers(1, 50))
def test_the_text_fits_on_one_line(text: str, limit: int) -> None:
    shown = redact(text, limit=limit)
    assert len(shown) <= limit + 1
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize("text", ["?" * 1_000_000, "?a" * 500_000, "1 " * 500_000, "+" * 1_000_000, "X-Amz-" * 160_000])
def test_a_megabyte_of_malice_costs_no_time(text: str) -> None:
    begun = time.process_time()
    redact(text, secrets=(KEY,))
    assert time.process_time() - begun < 2


def test_a_url_without_its_query_has_neither_credentials_nor_fragment() -> None:
    assert without_query("https://me:secret@s3.example/a?b=c#d") == "https://s3.example/a"
    assert without_query("sftp://me:p@ss@word@host/f@g.txt") == "sftp://host/f@g.txt"
    assert without_query("s3://bucket/key") == "s3://bucket/key"


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.example/t.zip?response-content-disposition=a%3B%20filename%3D%22r.zip%22&Signature=made-up-one",
        "https://storage.example/t.zip?x=a%20b&X-Goog-Signature=made-up-one",
        "https://cdn.example/t.zip?made-up-one",
        "https://cdn.example/t.zip?a%2520b=c%2520d&Policy=made-up-one&Key-Pair-Id=made-up-one",
    ],
)
@pytest.mark.parametrize(
    "quoted",
    [
        *(str, json.dumps, html.escape, lambda url: quote(url, safe="")),
        *(lambda url, slash=slash: url.replace("/", slash) for slash in (r"\/", "&#47;", "&#x2F;", r"\u002f")),
    ],
)
def test_no_part_of_a_query_is_shown_whatever_signs_it(url: str, quoted: Callable[[str], str]) -> None:
    for text in (quoted(url), f'{{"id": "d1", "result_url": {json.dumps(quoted(url))}}}'):
        shown = redact(text)
        assert "made-up-one" not in shown
        assert "filename" not in shown
        assert "t.zip?***" in shown


def test_a_megabyte_of_digits_needs_no_memory_to_speak_of() -> None:
    text = "x" + "7" * 1_000_000
    tracemalloc.start()
    try:
        assert redact(text) == "x[number removed]…"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
