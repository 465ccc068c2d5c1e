"""A prepared file: its limits, and its temporary files whatever happens: ``numbers/prepare.py``."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycSpoolError
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.spool import spool_file
from tests.numbers.inputs import FIRST, SECOND, THIRD, prepare
from tests.peak_memory import peak_memory_of

CLEAN = b"".join(b"+999%08d\n" % number for number in range(5000))
WITH_DUPLICATES = CLEAN + CLEAN[:1200]


def open_files() -> set[str]:
    return {f"{entry}: {os.readlink(entry)}" for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


@pytest.fixture
def no_file_stays_open() -> Iterator[None]:
    before = open_files()
    yield
    # What an earlier test has left may be closed meanwhile.
    assert open_files() <= before


pytestmark = pytest.mark.usefixtures("no_file_stays_open")


@pytest.mark.parametrize("data", [CLEAN, WITH_DUPLICATES])
def test_a_finished_block_closes_its_files(data: bytes, tmp_path: Path) -> None:
    with prepared_numbers(io.BytesIO(data), spool_dir=tmp_path) as prepared:
        assert os.fstat(prepared.file.fileno()).st_nlink == 0
        assert list(tmp_path.iterdir()) == []
    assert prepared.file.closed


@pytest.mark.parametrize("data", [CLEAN, WITH_DUPLICATES])
def test_one_spool_alone_is_open_in_the_block(data: bytes, tmp_path: Path) -> None:
    before = open_files()
    with prepared_numbers(io.BytesIO(data), spool_dir=tmp_path):
        assert len(open_files() - before) == 1


def test_an_error_in_the_block_closes_them_and_comes_out_unchanged(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "the disk of the body, not of the spool")
    with (
        pytest.raises(OSError, match="of the body") as caught,
        prepared_numbers(io.BytesIO(WITH_DUPLICATES), spool_dir=tmp_path),
    ):
        raise full
    assert caught.value is full


def test_a_body_that_closes_the_file_itself_is_fine(tmp_path: Path) -> None:
    with prepared_numbers(io.BytesIO(WITH_DUPLICATES), spool_dir=tmp_path) as prepared:
        prepared.file.close()


@pytest.mark.parametrize("data", [b"", b"x\n" * 200, b"PK\x03\x04", CLEAN[:120], CLEAN + b"\x00"])
def test_a_refused_input_closes_them(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(EkycNumbersError), prepared_numbers(io.BytesIO(data), spool_dir=tmp_path):
        pass


class BrokenSource(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 1000:
            raise ConnectionError("broken in the middle")
        return super().read(600)


def test_a_source_that_breaks_closes_them_and_the_error_comes_out_unchanged(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionError, match="broken in the middle"),
        prepared_numbers(BrokenSource(CLEAN), spool_dir=tmp_path, block_bytes=600),
    ):
        pass


def test_a_generator_that_is_closed_early_closes_them(tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        with prepared_numbers(io.BytesIO(WITH_DUPLICATES), spool_dir=tmp_path) as prepared:
            yield from prepared.file

    lines = body()
    next(lines)
    lines.close()  # type: ignore[attr-defined]


def test_a_killed_process_leaves_nothing_behind(tmp_path: Path) -> None:
    program = """
        import io, sys
        from airflow_provider_ekyc.numbers.prepare import prepared_numbers

        class Endless(io.RawIOBase):
            line = 0
            def read(self, size=-1):
                self.line += 1
                if self.line == 50:
                    print("in the middle", flush=True)
                    sys.stdin.read()
                return b"+999%08d\\n" % self.line

        with prepared_numbers(Endless(), spool_dir=sys.argv[1], block_bytes=16):
            pass
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout
        assert child.stdout.readline() == "in the middle\n"
        spools = [os.readlink(entry) for entry in Path(f"/proc/{child.pid}/fd").iterdir()]
        assert sum(str(tmp_path) in spool for spool in spools) == 2, "nothing was spooled yet"
        assert list(tmp_path.iterdir()) == [], "a spool has a name"
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [0, 10_000, 58_000, 66_000])
def test_a_full_disk_names_the_directory_and_how_to_take_another(limit: int, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with (
            pytest.raises(EkycSpoolError, match="set spool_dir") as caught,
            prepared_numbers(io.BytesIO(WITH_DUPLICATES), spool_dir=tmp_path, block_bytes=4096),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path) in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_write_that_the_disk_takes_in_part_is_not_taken_for_whole(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with spool_file(tmp_path) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(CLEAN) - 1, hard))
        try:
            with pytest.raises(EkycSpoolError, match="may not grow"):
                file.write(CLEAN)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_at_an_offset_that_the_disk_takes_in_part_names_the_directory(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with spool_file(tmp_path) as file:
        assert file.write_at(b"cd", 2) == 2
        assert file.write_at(memoryview(b"ab"), 0) == 2
        assert (file.tell(), file.readall()) == (0, b"abcd"), "the position is not moved"
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(EkycSpoolError, match="may not grow"):
                file.write_at(bytes(60), 50)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_spool_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with (
        pytest.raises(EkycSpoolError, match="set spool_dir") as caught,
        prepared_numbers(io.BytesIO(CLEAN), spool_dir=missing),
    ):
        pass
    assert str(missing) in str(caught.value)


def test_without_a_directory_the_systems_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with prepared_numbers(io.BytesIO(CLEAN)) as prepared:
        assert os.readlink(f"/proc/self/fd/{prepared.file.fileno()}").startswith(str(tmp_path))


def test_a_line_without_end_needs_no_more_memory_than_a_block() -> None:
    imports = "from airflow_provider_ekyc.numbers.prepare import prepared_numbers"
    block = """
        with prepared_numbers(OneLine(), invalid="drop", min_rows=0) as prepared:
            assert (prepared.lines_read, prepared.invalid) == (1, 1)
    """
    assert peak_memory_of(imports, block) < 16 << 10


@pytest.mark.parametrize("data", [FIRST + b"\n" + SECOND, FIRST + b"\n" + SECOND + b"\n" + FIRST])
def test_size_and_digest_are_those_of_the_file(data: bytes) -> None:
    left, prepared = prepare(data)
    assert prepared.size == len(left)
    assert prepared.sha256 == hashlib.sha256(left).hexdigest()


@pytest.mark.parametrize(
    ("lines", "limits", "message"),
    [
        ([], {"min_rows": 100}, "input is empty"),
        ([b"", b"", b"", b""], {"min_rows": 100}, r"0 numbers are left of 3 lines \(3 blank"),
        ([FIRST, FIRST, SECOND, b"", b""], {"min_rows": 3}, r"2 numbers are left of 4 lines.*minimum of 3.*row_limits"),
        ([FIRST, SECOND, THIRD], {"max_rows": 2}, r"3 numbers are left.*maximum of 2.*Split the file"),
    ],
)
def test_a_file_outside_the_limits_says_what_is_left_and_what_to_do(
    lines: list[bytes], limits: dict[str, int], message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        prepare(b"\n".join(lines), **limits)


def test_the_limits_count_what_is_left_after_duplicates() -> None:
    assert prepare(b"\n".join([FIRST, FIRST, SECOND]), min_rows=2, max_rows=2)[1].rows == 2


def test_the_file_can_be_read_line_by_line_and_again_and_the_source_stays_open() -> None:
    source = io.BytesIO(FIRST + b"\n" + SECOND)
    with prepared_numbers(source, min_rows=1) as prepared:
        assert list(prepared.file) == [FIRST + b"\n", SECOND + b"\n"]
        prepared.file.seek(0)
        assert prepared.file.readline() == FIRST + b"\n"
    assert not source.closed
