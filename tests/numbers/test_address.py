"""What names an input is read; numbers in its place are recognised, and never quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycSettingsError
from airflow_provider_ekyc.numbers.address import LocalPath, S3Address, StoredAddress, read_address, read_numbers
from airflow_provider_ekyc.numbers.source import open_numbers

NUMBERS = [f"+1202555{number:04}" for number in range(100, 200)]


def failure(numbers: object) -> str:
    with (
        pytest.raises(EkycError) as caught,
        open_numbers(numbers, aws_conn_id=None, numbers_conn_id=None),
    ):
        pass
    assert not re.search(r"\d{4}", caught.value.message), "a number is quoted"
    assert "example" not in caught.value.message
    assert caught.value.__cause__ is None
    # The path is in the text of an OSError, too.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not caught.value.retryable
    return caught.value.message


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("/data/numbers.txt", LocalPath("/data/numbers.txt")),
        ("100%00.txt", LocalPath("100%00.txt")),
        ("file:///data/a%20b.txt", LocalPath("/data/a b.txt")),
        ("s3://bucket/a/b #1?.txt", S3Address("bucket", "a/b #1?.txt", None)),
        ("S3://bucket/key", S3Address("bucket", "key", None)),
        ("s3a://bucket/key", S3Address("bucket", "key", None)),
        ("s3n://bucket/key@x", S3Address("bucket", "key@x", None)),
        ("s3://conn@bucket/key", S3Address("bucket", "key", "conn")),
        ("s3a://conn@bucket/key", S3Address("bucket", "key", "conn")),
        ("s3://@bucket/key", S3Address("bucket", "key", None)),
        ("gs://conn@bucket/key", StoredAddress("gs://conn@bucket/key")),
        (Path("/data/numbers.txt"), LocalPath("/data/numbers.txt")),
        (b"/data/numbers.txt", LocalPath("/data/numbers.txt")),
        (ObjectStoragePath("s3://bucket/key", conn_id="conn"), S3Address("bucket", "key", "conn")),
        (ObjectStoragePath("file:///data/numbers.txt"), LocalPath("/data/numbers.txt")),
        (["/data/numbers.txt"], LocalPath("/data/numbers.txt")),
        (iter([Path("/data/numbers.txt")]), LocalPath("/data/numbers.txt")),
    ],
)
def test_an_address_is_read_in_whatever_form(address: object, read: object) -> None:
    assert read_address(read_numbers(address)) == read


@pytest.mark.parametrize("address", ["s3://bucket", "s3:///key", "s3a://conn@/key", "s3n://bucket/"])
def test_an_address_without_bucket_or_key_is_named(address: str) -> None:
    assert failure(address).startswith(f"{address.replace('conn@', '')} names no object.")


@pytest.mark.parametrize("address", ["/data/a\0b.txt", "file:///data/a%00b.txt", "s3://bucket/a\0b", "gs://bucket/a\0"])
def test_a_nul_in_a_path_is_named(address: str) -> None:
    assert failure(address).startswith("The path in numbers contains a NUL character")


@pytest.mark.parametrize(
    "contents",
    [
        "\n".join(NUMBERS * 100),
        "\r\n".join(NUMBERS[:2]),
        ",".join(NUMBERS[:3]),
        "; ".join(NUMBERS[:3]),
        "number\n" + "\n".join(NUMBERS[:3]),
        NUMBERS[0],
        NUMBERS[0].removeprefix("+"),
        "+1 (202) 555-0100",
        "+1 202 555 0100, +1 202 555 0101",
        str(NUMBERS[:3]),
        "".join(NUMBERS * 100),
        NUMBERS,
        NUMBERS[:1],
        tuple(NUMBERS),
        iter(NUMBERS),
        ",".join(NUMBERS).encode(),
        12025550100,
        12025550100.0,
        [12025550100, 12025550101],
    ],
    ids=lambda contents: f"{type(contents).__name__}-{len(contents) if hasattr(contents, '__len__') else ''}",
)
def test_numbers_in_place_of_a_path_are_recognised_and_not_quoted(contents: object) -> None:
    message = failure(contents)
    assert "looks like numbers, not a path. Nothing was sent. Write them to a file" in message


@pytest.mark.parametrize("contents", ["a@mail.example\nb@mail.example", ["a@mail.example"]])
def test_email_addresses_in_place_of_a_path_are_recognised_and_not_quoted(contents: object) -> None:
    assert "looks like e-mail addresses, not a path" in failure(contents)


def test_line_breaks_in_what_is_not_there_are_contents() -> None:
    assert "this contains line breaks, like the contents of an input, not a path" in failure(
        "a made-up example\nof something else"
    )


def test_a_name_that_is_too_long_is_not_quoted() -> None:
    for name in ("example" * 100, "/" + "example/" * 1000, "x" * 300 + NUMBERS[0]):
        assert "is too long for a path or for a name in it (it is not quoted" in failure(name)


def test_a_number_in_a_path_that_is_not_there_is_removed() -> None:
    assert "There is no file /made-up/[number removed].txt" in failure(f"/made-up/{NUMBERS[0]}.txt")


class Lazy:
    """A sequence that is read when it is looked at, as an XCom of a mapped task."""

    def __iter__(self) -> Iterator[str]:
        return iter(["/data/a.txt", "/data/b.txt"])


@pytest.mark.parametrize("paths", [["/data/a.txt", "/data/b.txt"], ("s3://bucket/a", "s3://bucket/b"), {}, [], Lazy()])
def test_several_paths_are_refused_with_how_to_map_them(paths: object) -> None:
    message = failure(paths)
    assert f"must be one path or address, not {type(paths).__name__} of several or none" in message
    assert "expand(numbers=...)" in message


def test_a_file_may_be_named_like_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("20251121", NUMBERS[0], "a\nb"):
        (tmp_path / name).write_bytes(b"+12025550100\n")
        with open_numbers(name, aws_conn_id=None, numbers_conn_id=None) as file:
            assert file.read(100) == b"+12025550100\n"


@pytest.mark.parametrize("value", [None, "", " ", "None", True])
def test_nothing_is_named_as_nothing(value: object) -> None:
    with pytest.raises(EkycSettingsError, match=r"numbers (is empty|must be text)"):
        read_numbers(value)


def test_a_missing_date_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(EkycNumbersError, match=f"There is no file {tmp_path}/2025-11-21.txt"),
        open_numbers("2025-11-21.txt", aws_conn_id=None, numbers_conn_id=None),
    ):
        pass
