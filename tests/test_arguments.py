"""
Arguments and settings of wrong types are refused before any request.

Modules: ``arguments.py``.
"""

from __future__ import annotations

import contextlib
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.arguments import (
    read_amount,
    read_bool,
    read_choice,
    read_number,
    read_seconds,
    read_text,
    split_s3_connection,
)
from airflow_provider_ekyc.exceptions import EkycSettingsError


@pytest.mark.parametrize(
    ("value", "read"), [(True, True), ("True", True), (" false ", False), ("FALSE", False), (False, False)]
)
def test_a_boolean_is_read_from_what_a_template_gives(value: object, read: bool) -> None:
    assert read_bool("x", value) is read


@pytest.mark.parametrize("value", ["maybe", "", "1", 1, 0, None, "yes", []])
def test_a_boolean_is_never_guessed(value: object) -> None:
    with pytest.raises(EkycSettingsError, match="flag must be true or false"):
        read_bool("flag", value)


@pytest.mark.parametrize(("value", "read"), [(5, 5.0), ("5", 5.0), (" 5.5 ", 5.5), (0, 0.0)])
def test_a_number_may_be_text(value: object, read: float) -> None:
    assert read_number("x", value) == read


@pytest.mark.parametrize("value", ["", "five", None, True, float("nan"), "inf", float("inf"), -1, "-1", 10**400, []])
def test_what_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(EkycSettingsError, match="seconds must be a number, at least 0"):
        read_number("seconds", value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0.001, "0.001"),
        (0.1, "0.1"),
        (" 0.50 ", "0.5"),
        ("12", "12"),
        (12, "12"),
        (0, "0"),
        ("1e-05", "0.00001"),
        (0.00001, "0.00001"),
        ("2.5E+3", "2500"),
        (Decimal("0.30"), "0.3"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("999999999999", "999999999999"),
    ],
)
def test_an_amount_is_what_is_written(value: object, read: str) -> None:
    assert read_amount("x", value) == Decimal(read)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "None",
        None,
        True,
        "free",
        -1,
        "-0.001",
        "+1",
        float("nan"),
        "NaN",
        float("inf"),
        "Infinity",
        Decimal("sNaN"),
        "1e999",
        5e-324,
        "1e99",
        pytest.param(10**5000, id="a number of 5,001 digits"),
        "1" * 5000,
        "0,001",
        "1_000",
        "1 000",
        ".5",
        "5.",
        "0x10",
        "\u0661",
        "0.0000000000000000001",
        "1.2345678901234567890",
        1000000000000,
        [1],
        b"1",
    ],
)
def test_what_is_no_amount_is_refused_by_name(value: object) -> None:
    with pytest.raises(EkycSettingsError, match=r"max_cost must be an amount such as 0\.001: at least 0"):
        read_amount("max_cost", value)


def test_a_number_keeps_to_its_ends() -> None:
    assert read_number("x", 1, least=1, most=2) == 1
    assert read_number("x", 2, least=1, most=2) == 2
    for value in (0.9, 2.1):
        with pytest.raises(EkycSettingsError, match="at least 1, at most 2"):
            read_number("x", value, least=1, most=2)


@pytest.mark.parametrize(
    ("value", "seconds"), [(timedelta(minutes=5), 300.0), (300, 300.0), ("300", 300.0), (timedelta(seconds=1.5), 1.5)]
)
def test_a_duration_may_be_a_timedelta_or_seconds(value: object, seconds: float) -> None:
    assert read_seconds("x", value, least=1.0) == seconds


@pytest.mark.parametrize("value", [timedelta(seconds=-1), timedelta(0), "five", None, True, "0:05:00", timedelta.max])
def test_what_is_no_duration_is_refused_with_what_it_may_be(value: object) -> None:
    with pytest.raises(
        EkycSettingsError,
        match=r"x must be a number, at least 1, at most 86,400\. It is a number of seconds, or a timedelta\.",
    ):
        read_seconds("x", value, least=1.0, most=86_400)


def test_a_choice_is_one_of_those_named() -> None:
    assert read_choice("x", " ZIP ", ("zip", "csv")) == "zip"
    for value in ("tar", None, 1, ""):
        with pytest.raises(EkycSettingsError, match="must be one of: zip, csv"):
            read_choice("x", value, ("zip", "csv"))


def test_text_is_there() -> None:
    assert read_text("x", " a ") == "a"
    for value, problem in (
        *((empty, "is empty") for empty in ("", " ", "None", None)),
        (7, "must be text, not int"),
        (["a"], "must be text, not list"),
        ("a\udcff", "is not valid text"),
    ):
        with pytest.raises(EkycSettingsError, match=f"x {problem}"):
            read_text("x", value)


class BytesPath(os.PathLike[bytes]):
    def __fspath__(self) -> bytes:
        return b"/data/numbers.txt"


def test_a_path_object_is_its_text() -> None:
    assert read_text("x", Path("/data/numbers.txt")) == "/data/numbers.txt"
    assert read_text("x", PurePosixPath("numbers ")) == "numbers "
    assert read_text("x", ObjectStoragePath("s3://bucket/key")) == "s3://bucket/key"
    assert read_text("x", ObjectStoragePath("s3://conn@bucket/key")) == "s3://conn@bucket/key"
    assert read_text("x", ObjectStoragePath("s3://bucket/key", conn_id="conn")) == "s3://conn@bucket/key"
    assert read_text("x", ObjectStoragePath("file:///data/numbers.txt")) == "file:///data/numbers.txt"
    with pytest.raises(EkycSettingsError, match="x must be text, not BytesPath"):
        read_text("x", BytesPath())


@pytest.mark.parametrize(
    ("address", "conn_id", "rest"),
    [
        ("s3://conn@bucket/key@x", "conn", "s3://bucket/key@x"),
        ("S3A://conn@bucket/prefix", "conn", "S3A://bucket/prefix"),
        ("s3n://@bucket/key", None, "s3n://bucket/key"),
        ("s3://bucket/a@b", None, "s3://bucket/a@b"),
        ("results/a@b", None, "results/a@b"),
        ("gs://conn@bucket/key", None, "gs://conn@bucket/key"),
    ],
)
def test_the_connection_is_taken_out_of_an_s3_address(address: str, conn_id: str | None, rest: str) -> None:
    assert split_s3_connection(address) == (conn_id, rest)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_nothing_but_a_settings_error_is_raised(value: object) -> None:
    for read in (
        lambda: read_bool("x", value),
        lambda: read_number("x", value),
        lambda: read_choice("x", value, ("a",)),
        lambda: read_text("x", value),
    ):
        with contextlib.suppress(EkycSettingsError):
            read()
