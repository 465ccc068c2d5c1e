"""The input is opened by what its address is, and closed: ``numbers/source.py``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycSettingsError
from airflow_provider_ekyc.numbers.source import open_numbers
from tests.numbers.inputs import DATA, read


def test_a_path_on_the_worker_is_read(numbers: Path) -> None:
    assert read(str(numbers)) == DATA


def test_a_file_uri_is_read_with_its_escapes(numbers: Path) -> None:
    assert "%20" in numbers.as_uri()
    assert read(numbers.as_uri()) == DATA


@pytest.mark.parametrize("start", ["file://", "FILE://", "file://localhost"])
def test_a_file_uri_may_be_written_without_escapes(start: str, numbers: Path) -> None:
    assert read(f"{start}{numbers}") == DATA


def test_a_file_on_another_host_is_refused() -> None:
    with pytest.raises(EkycNumbersError, match="another host"):
        read("file://numbers.txt")


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(EkycSettingsError, match="numbers is empty"):
        read(" ")


def open_files() -> list[str]:
    return [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]


def test_an_error_in_the_block_comes_out_unchanged_and_closes_the_file(numbers: Path) -> None:
    with open_numbers(str(numbers), aws_conn_id=None, numbers_conn_id=None):
        assert str(numbers) in open_files()
    assert str(numbers) not in open_files()
    with (
        pytest.raises(FileNotFoundError, match="of the body"),
        open_numbers(str(numbers), aws_conn_id=None, numbers_conn_id=None),
    ):
        raise FileNotFoundError("of the body")
    assert str(numbers) not in open_files()
