"""
An input from a local path, a URL of fsspec or the connection in an address.

Modules: ``numbers/local_file.py``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycSettingsError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import OpenedSource, WholeStream
from airflow_provider_ekyc.numbers.source import open_numbers

DATA = b"+12025550100\n+12025550101\n"


def read(uri: str) -> bytes:
    with open_numbers(uri, aws_conn_id=None, numbers_conn_id=None) as file:
        return file.read(1 << 20)


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    path = tmp_path / "numbers of today #1?.txt"
    path.write_bytes(DATA)
    return path


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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EkycNumbersError, match=f"There is no file {tmp_path}/none.txt"):
        read(f"{tmp_path}/none.txt")


def test_a_relative_path_is_read_and_named_in_full_if_it_is_missing(
    numbers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(numbers.parent)
    assert read(numbers.name) == DATA
    with pytest.raises(EkycNumbersError, match=f"no file {numbers.parent}/none.txt .*'none.txt' counts from"):
        read("none.txt")


def test_a_directory_is_refused(numbers: Path) -> None:
    with pytest.raises(EkycNumbersError, match="is a directory"):
        read(str(numbers.parent))
    with pytest.raises(EkycNumbersError, match="a part of its path is a file"):
        read(f"{numbers}/x")


def test_a_file_that_may_not_be_read_is_named(numbers: Path) -> None:
    numbers.chmod(0)
    if os.geteuid():
        with pytest.raises(EkycNumbersError, match="may not read"):
            read(str(numbers))
        return
    # root reads everything: try as another user, in a directory that this one may enter.
    program = """
        import os, sys
        from airflow_provider_ekyc.numbers.source import open_numbers
        from airflow_provider_ekyc.exceptions import EkycNumbersError
        os.setuid(65534)
        try:
            with open_numbers(sys.argv[1], aws_conn_id=None, numbers_conn_id=None):
                pass
        except EkycNumbersError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(numbers)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert f"may not read {numbers}" in done.stdout


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


# "local" is the one scheme beside "file" that Airflow's object storage knows without another provider.
def test_another_scheme_goes_through_airflows_object_storage(tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_bytes(DATA)
    assert read(f"local://{tmp_path}/numbers.txt") == DATA


def test_a_missing_object_of_another_scheme_is_named(tmp_path: Path) -> None:
    with pytest.raises(EkycNumbersError, match=f"nothing at local://{tmp_path}/none.txt"):
        read(f"local://{tmp_path}/none.txt")


def test_a_directory_of_another_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EkycNumbersError, match="is a directory"):
        read(f"local://{tmp_path}")


def test_a_scheme_that_nobody_reads_is_refused_without_the_query_of_its_address() -> None:
    with pytest.raises(EkycNumbersError, match="Install the Airflow provider") as caught:
        read("nosuch://user:secret@host/numbers.txt?signature=secret")
    assert "secret" not in str(caught.value)
    assert "nosuch://host/numbers.txt" in str(caught.value)


def test_a_stream_that_ends_early_is_a_broken_connection_and_no_end_of_file() -> None:
    file = io.BytesIO(DATA)
    stream = WholeStream(OpenedSource(file, "store://numbers", len(DATA) + 1), file)
    assert stream.read(1000) == DATA
    with pytest.raises(EkycUnreadableInputError, match=r"stopped after 26 of 27 bytes of store://numbers \(it ended"):
        stream.read(1000)


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_stream_that_ends_in_time_ends(size: int | None) -> None:
    file = io.BytesIO(DATA)
    stream = WholeStream(OpenedSource(file, "store://numbers", size), file)
    assert [stream.read(20), stream.read(20), stream.read(20)] == [DATA[:20], DATA[20:], b""]
