"""What the fuzzer itself finds of unmatched numbers and of columns, before it is compared with the package."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections import Counter
from typing import Any

import pytest

from dev.fuzz.expected import flaw_of_comparison, flaw_of_list, is_of_others, plan_of
from dev.fuzz.inputs import make_input
from dev.fuzz.model import BESIDE_INPUT, ArchiveInput, Counts, Sent, ordinal_of
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.sent import SENT, has_input
from dev.fuzz.tables import plain_reading
from dev.fuzz.values import digits_of

ONE, TWO, THREE = (digits_of(number) for number in (1, 2, 3))
ROWS = ((ONE, "yes"), (TWO, "no"))


def beside(**sent: Any) -> ArchiveInput:
    given = {"name": "some missing", "data": b"", "submission": {}, "numbers": frozenset({ONE, THREE}), **sent}
    return ArchiveInput(b"", "one table", 5, rows=ROWS, sent=Sent(**given))


def result(unmatched: int | None, uri: str | None = None) -> dict[str, Any]:
    return {"unmatched": unmatched, "unmatched_uri": uri}


def test_the_plain_difference_is_taken() -> None:
    assert flaw_of_comparison(beside(), result(1, "s3://b/k"), "s3://b/k", f"+{THREE}\n".encode()) == ""
    assert flaw_of_comparison(beside(), result(1), "", None) == ""


@pytest.mark.parametrize(
    ("sent", "pushed", "listed"),
    [
        ({}, result(0, "s3://b/k"), b""),
        ({}, result(2, "s3://b/k"), f"+{THREE}\n+{ONE}\n".encode()),
        ({}, result(1, "s3://b/k"), b""),
        ({}, result(1, "s3://b/k"), f"+{ONE}\n".encode()),
        ({}, result(1, "s3://b/k"), f"+{THREE}".encode()),
        ({}, result(1, "s3://b/k"), f"{THREE}\n".encode()),
        ({}, result(1, "s3://b/k"), None),
        ({}, result(1, "s3://b/other"), f"+{THREE}\n".encode()),
        ({}, result(None), None),
        ({"fate": "any"}, result(2, "s3://b/k"), b""),
        ({"fate": "left out"}, result(1, "s3://b/k"), f"+{THREE}\n".encode()),
        ({"fate": "left out"}, result(None), b""),
        ({"fate": "refused"}, result(None), None),
    ],
)
def test_a_wrong_comparison_is_noticed(sent: dict[str, Any], pushed: dict[str, Any], listed: bytes | None) -> None:
    assert flaw_of_comparison(beside(**sent), pushed, "s3://b/k", listed)


def test_a_list_may_hold_each_number_once_and_none_that_was_not_sent() -> None:
    sent = frozenset({ONE, THREE})
    assert flaw_of_list(f"+{ONE}\n".encode(), sent, None, None) == ""
    assert flaw_of_list(f"+{ONE}\n+{ONE}\n".encode(), sent, None, None)
    assert flaw_of_list(f"+{TWO}\n".encode(), sent, None, 1)


def test_a_result_of_none_of_the_numbers_is_another_ones() -> None:
    assert is_of_others(beside(numbers=frozenset({THREE})))
    assert not is_of_others(beside())
    assert not is_of_others(beside(numbers=frozenset({THREE}), fate="left out"))


def test_one_archive_in_seven_has_an_input_of_every_class() -> None:
    made = [make_input(4, index) for index in range(1_200) if index % 5 < 3]
    archives = [given for given in made if isinstance(given, ArchiveInput)]
    with_input = [given for given in archives if given.sent]
    assert {given.sent.name for given in with_input if given.sent} == set(SENT)
    assert len(with_input) > 0.95 * len(archives) / BESIDE_INPUT
    assert all(has_input(ordinal_of(given.index)) and given.through for given in with_input)
    plans = [plan_of(4, given) for given in with_input]
    for trait in ("is_tls", "is_taken", "warns", "has_fewer"):
        assert any(getattr(plan, trait) for plan in plans), trait
    assert {given.sent.place for given in with_input if given.sent} == {"path", "file", "s3", "nowhere"}


def test_the_record_of_an_honest_submission_is_that_of_its_input() -> None:
    for name in ("some missing", "all returned", "invalid lines dropped", "without a plus"):
        for seed in range(30):
            sent = SENT[name](random.Random(seed), [ONE, TWO])
            record = sent.submission
            assert isinstance(record, dict)
            assert sent.data is not None
            assert record["input_sha256"] == hashlib.sha256(sent.data).hexdigest()
            assert record["rows"] == len(sent.numbers)
            assert sent.numbers & {ONE, TWO}
            assert json.loads(json.dumps(record)) == record


def test_what_has_changed_is_not_what_was_sent() -> None:
    for seed in range(60):
        sent = SENT["changed since"](random.Random(seed), [ONE, TWO])
        assert isinstance(sent.submission, dict)
        assert sent.submission["input_sha256"] != hashlib.sha256(sent.data or b"").hexdigest()


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "lists and a column"])
def test_tables_of_several_columns_are_what_they_say(name: str) -> None:
    read = Counter[bool]()
    for seed in range(60):
        asked = COLUMNS[name](random.Random(seed))
        with zipfile.ZipFile(io.BytesIO(asked.data)) as archive:
            text = archive.read("all.csv")
        if asked.rows is not None and asked.names[1] is not None:
            assert plain_reading(text, asked.names[1].strip()) == asked.allowed
        elif name in ("no such column", "a column twice", "two columns of numbers") and asked.names[1]:
            assert not plain_reading(text, asked.names[1])
        read[asked.rows is not None] += 1
    assert read[True] or name not in ("a column that is there", "a column in another case", "no column asked for")


def test_a_carriage_return_within_the_header_ends_no_line_of_the_plain_reading() -> None:
    text = b"A\razon Business\tphone number\tAmazon\r\nx\t+9991234567\tyes\r\n"
    assert plain_reading(text, "amazon") == {Counts(1, 1, 0, 0)}
    assert not plain_reading(text.replace(b"\tAmazon", b"\tA\razon"), "amazon")


def test_the_plain_reading_takes_the_column_that_was_asked_for() -> None:
    text = f"ws,Number,amazon\nno,+{ONE},yes\nno,+{TWO},yes\n".encode()
    assert plain_reading(text, "AMAZON") == {Counts(2, 2, 0, 0)}
    assert plain_reading(text, "ws") == {Counts(2, 0, 2, 0)}
    assert plain_reading(text, "htx") == frozenset()
