"""An object of another store, through Airflow's object storage: ``numbers/stored_object.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.source import open_numbers

# "local" is the one scheme beside "file" that Airflow's object storage knows without another provider.
DATA = b"+12025550100\n+12025550101\n"


def read(uri: str) -> bytes:
    with open_numbers(uri, aws_conn_id=None, numbers_conn_id=None) as file:
        return file.read(1 << 20)


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


def test_an_object_of_which_its_store_can_not_say_whether_it_changed_is_not_sent(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "numbers.txt").write_bytes(DATA)
    with open_numbers(f"local://{folder}/numbers.txt", aws_conn_id=None, numbers_conn_id=None) as file:
        assert file.read(1 << 20) == DATA
        folder.rename(tmp_path / "elsewhere")
        folder.write_bytes(b"")
        with pytest.raises(EkycUnreadableInputError) as caught:
            file.read(1 << 20)
    assert caught.value.message == (
        f"local://{folder}/numbers.txt was read, but its store did not say whether it changed meanwhile "
        f"(NotADirectoryError). Nothing was sent; a retry reads it again."
    )
    assert caught.value.retryable
