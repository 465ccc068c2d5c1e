"""Records in a directory: ``submission/local_store.py``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.local_store import LocalStore


@pytest.mark.parametrize("call", ["read", "write", "names"])
def test_a_path_that_is_too_long_is_to_be_corrected(call: str, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / ("x" * 300), ("a_dag", "a_task"))
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: store.read("record"),
        "write": lambda: store.write("record", b"1", replacing=None),
        "names": lambda: store.names("open_"),
    }
    with pytest.raises(
        EkycJournalError, match=r"can't be used \(File name too long\).* sent\. Correct journal_uri\.$"
    ) as failed:
        calls[call]()
    assert f"The journal below {tmp_path / 'xxx'}" in failed.value.message
    assert not failed.value.retryable


def test_a_directory_in_the_place_of_a_record_or_of_the_lock_may_pass(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, ("a_dag",))
    for name in ("record.json", ".lock"):
        (tmp_path / "a_dag" / name).mkdir(parents=True)
    for call in (lambda: store.read("record"), lambda: store.write("other", b"1", replacing=None)):
        with pytest.raises(EkycJournalError, match=r"\(Is a directory\).* sent\. A retry reads it again\.$") as failed:
            call()
        assert failed.value.retryable


def test_a_record_is_written_only_over_what_was_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, (".", "..", "a_task" * 100))
    assert store.read("record") is None
    assert store.names("") == []
    assert store.write("record", b"1", replacing=None)
    assert not store.write("record", b"2", replacing=None)
    assert not store.write("record", b"2", replacing=b"0")
    assert store.read("record") == b"1"
    assert store.write("record", b"2", replacing=b"1")
    assert store.read("record") == b"2"
    assert store.write("other", b"1", replacing=None)
    assert (store.names("rec"), store.names("")) == (["record"], ["other", "record"])
    path = Path(store.address("record"))
    assert path.relative_to(tmp_path).parts == ("_.", "_..", ("a_task" * 100)[:200], "record.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in path.parent.iterdir()) == [".lock", "other.json", "record.json"]
    assert (path.parent / ".lock").stat().st_mode & 0o777 == 0o600


def test_the_name_of_a_directory_ends_with_a_whole_letter(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, ("a" + "é" * 100,))
    assert store.write("record", b"1", replacing=None)
    assert [folder.name for folder in tmp_path.iterdir()] == ["a" + "é" * 99]


def test_of_many_that_write_at_once_one_succeeds(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = [LocalStore(tmp_path, ("a_dag",)) for _ in range(8)]
        done = list(pool.map(lambda store: store.write("record", b"1", replacing=None), stores))
    assert sorted(done) == [False] * 7 + [True]
