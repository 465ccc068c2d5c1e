"""Files without a name: what they leave, and what an error of the disk becomes."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from airflow_provider_ekyc.spool import spool_file


def test_an_error_of_the_disk_that_is_not_a_full_one_is_raised_as_it_is(tmp_path: Path) -> None:
    read_only = tmp_path / "read-only"
    read_only.touch()
    with spool_file(tmp_path) as file, read_only.open("rb") as other:
        file.write(b"made up")
        os.dup2(other.fileno(), file.fileno())
        for write in (lambda: file.write(b"made up"), lambda: file.write_at(b"made up", 7)):
            with pytest.raises(OSError, match="Bad file descriptor") as failed:
                write()
            assert (type(failed.value), failed.value.errno) == (OSError, errno.EBADF)
    assert read_only.read_bytes() == b""
    assert list(tmp_path.iterdir()) == [read_only]


def test_too_many_open_files_say_so_themselves(tmp_path: Path) -> None:
    with (tmp_path / "made-up").open("wb") as lowest:
        free = lowest.fileno()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(OSError, match="Too many open files") as failed, spool_file(tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (type(failed.value), failed.value.errno) == (OSError, errno.EMFILE)
    assert [path.name for path in tmp_path.iterdir()] == ["made-up"]
