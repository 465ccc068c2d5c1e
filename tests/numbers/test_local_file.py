"""A file on the worker; whatever is no regular file is refused at once: ``numbers/local_file.py``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers import local_file
from airflow_provider_ekyc.numbers.source import open_numbers
from tests.numbers.inputs import DATA, read


def refusal(numbers: str) -> str:
    """Open in a thread: what hangs is a failed test, not a test that hangs."""
    raised: list[EkycError] = []

    def attempt() -> None:
        try:
            with open_numbers(numbers, aws_conn_id=None, numbers_conn_id=None):
                pass
        except EkycError as error:
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "it hangs"
    assert isinstance(raised[0], EkycNumbersError)
    assert "Nothing was sent." in raised[0].message
    return raised[0].message


@pytest.mark.parametrize("form", ["{}", "file://{}", "local://{}"])
def test_a_fifo_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "numbers.txt"
    os.mkfifo(path)
    assert "is a named pipe (FIFO), not a file" in refusal(form.format(path)) or form == "local://{}"
    assert "not a file" in refusal(form.format(path))


def test_a_fifo_behind_a_link_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "numbers.txt").symlink_to(tmp_path / "fifo")
    assert "numbers.txt is a named pipe (FIFO), not a file" in refusal(str(tmp_path / "numbers.txt"))


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 bytes at the most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("numbers.txt")
        assert "is a socket, not a file" in refusal("numbers.txt")


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/tty"])
def test_a_device_is_refused(path: str) -> None:
    assert f"{path} is a device, not a file" in refusal(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory, not a file" in refusal(str(tmp_path))


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").symlink_to("numbers.txt")
    assert "is a link that leads to itself" in refusal(str(tmp_path / "numbers.txt"))


PROGRAM = """
import sys
from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.numbers.source import open_numbers
try:
    with open_numbers("/dev/stdin", aws_conn_id=None, numbers_conn_id=None) as file:
        data = b""
        while piece := file.read(100):
            data += piece
        print(len(data))
except EkycError as error:
    print(error)
"""


def test_standard_input_is_read_if_a_file_is_behind_it_and_refused_if_not(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(DATA)
    command = [sys.executable, "-c", PROGRAM]
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == str(len(DATA)).encode()
    piped = subprocess.run(command, input=DATA, capture_output=True, check=True, timeout=60)
    assert b"/dev/stdin is a named pipe (FIFO), not a file" in piped.stdout


def test_a_fifo_that_takes_the_place_of_a_file_meanwhile_is_refused_and_closed(
    numbers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = local_file._refuse_other_kinds
    checked: list[str] = []

    def check_and_replace(shown: str, status: os.stat_result) -> None:
        check(shown, status)
        checked.append(shown)
        numbers.unlink()
        os.mkfifo(numbers)

    monkeypatch.setattr(local_file, "_refuse_other_kinds", check_and_replace)
    assert f"{numbers} is a named pipe (FIFO), not a file" in refusal(str(numbers))
    assert checked == [str(numbers)]
    opened = [os.path.realpath(f"/proc/self/fd/{descriptor}") for descriptor in os.listdir("/proc/self/fd")]
    assert str(numbers) not in opened


def test_a_file_that_can_not_be_reached_any_more_is_not_sent(numbers: Path, tmp_path: Path) -> None:
    """As where a directory is unmounted or renamed: the open file itself did not change."""
    directory = tmp_path / "mounted"
    directory.mkdir()
    moved = numbers.rename(directory / numbers.name)
    with open_numbers(str(moved), aws_conn_id=None, numbers_conn_id=None) as file:
        assert file.read(1 << 20) == DATA
        directory.rename(tmp_path / "elsewhere")
        with pytest.raises(EkycUnreadableInputError, match=r"changed while it was read \(it was del") as caught:
            file.read(1 << 20)
    assert "Nothing was sent; a retry reads it again." in caught.value.message
    assert caught.value.retryable


def test_a_disk_that_fails_is_worth_a_retry() -> None:
    # The one file that can be opened and never read, on any Linux.
    with (
        open_numbers("/proc/self/mem", aws_conn_id=None, numbers_conn_id=None) as file,
        pytest.raises(EkycUnreadableInputError, match=r"Reading stopped after 0 .* \(Input/output error\)") as caught,
    ):
        file.read(100)
    assert "a retry reads it again" in caught.value.message
    assert caught.value.__cause__ is None


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


def test_a_directory_and_a_path_below_a_file_are_refused(numbers: Path) -> None:
    with pytest.raises(EkycNumbersError, match="is a directory"):
        read(str(numbers.parent))
    with pytest.raises(EkycNumbersError, match="a part of its path is a file"):
        read(f"{numbers}/x")


def test_a_file_that_may_not_be_read_is_named(numbers: Path) -> None:
    numbers.chmod(0)
    if os.geteuid():
        with pytest.raises(EkycNumbersError, match="has no permission to read"):
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
    assert f"has no permission to read {numbers}" in done.stdout
