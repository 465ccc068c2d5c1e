"""What else can be in a folder than landed files: one clear error with the file's name, and nothing is left out."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pytest
from fsspec.implementations.local import LocalFileSystem
from pyarrow import parquet

from airflow_provider_ekyc.exceptions import EkycHistoryError, EkycNumbersError
from airflow_provider_ekyc.history import parquet_files
from airflow_provider_ekyc.history.files import Kind, kind_of
from airflow_provider_ekyc.history.freshness import find_fresh
from airflow_provider_ekyc.history.parquet_files import ParquetFiles
from airflow_provider_ekyc.history.windows import Windows
from tests.history.landed import NO, UNKNOWN, YES, landed
from tests.history.rows import DAY, NOW, candidates, kept_numbers

A, B = 12025550100, 12025550101
SINCE = NOW - 30 * DAY
WINDOWS = Windows(30 * DAY, 30 * DAY, 30 * DAY)
RIGHT = landed([(A, YES), (B, NO)], NOW)


def failure(folder: object) -> EkycHistoryError:
    """Look for fresh numbers; the error, after which each candidate is still kept."""
    with candidates([A, B]) as numbers:
        with pytest.raises(EkycHistoryError, match=r"Nothing was sent\.") as raised:
            find_fresh(numbers, ParquetFiles(folder), WINDOWS, "amazon", NOW, None)
        assert kept_numbers(numbers) == [A, B]
    assert "2025550" not in str(raised.value)
    assert (raised.value.kind, raised.value.charge) == ("history", "none")
    return raised.value


def numbers_in(folder: object) -> list[str]:
    batches = ParquetFiles(folder).batches(SINCE, "amazon")
    return sorted(number for batch in batches for number in batch.column("number").to_pylist())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it does not end as one"),
        (b"PAR1", "it does not end as one"),
        (RIGHT[:-1], "it does not end as one"),
        (RIGHT[: len(RIGHT) // 2], "it does not end as one"),
        (b"number,amazon\n+12025550100,yes\n" * 100, "it does not end as one"),
        (RIGHT[:-8] + b"\xff\xff\xff\x7fPAR1", "it does not end as one"),
        (RIGHT[:-8] + b"\0\0\0\0PAR1", "it does not end as one"),
        (RIGHT[:-40] + b"\xff" * 32 + RIGHT[-8:], "its footer can't be read"),
        (RIGHT[-400:], "is damaged"),
        (b"PAR1" + b"\xff" * 300 + RIGHT[304:], "its rows can't be read"),
        (RIGHT[:-4] + b"PARE", "is encrypted by its writer"),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "part-0.parquet").write_bytes(RIGHT)
    (tmp_path / f"part-1+{A}.parquet").write_bytes(data)
    error = failure(tmp_path)
    assert f"{tmp_path}/part-1[number removed].parquet" in error.message
    assert words in error.message
    assert not error.retryable


@pytest.mark.parametrize("kept", [4, 100, 100_000])
def test_a_file_that_lost_rows_before_its_footer_is_an_error(tmp_path: Path, kept: int) -> None:
    """As a copy that leaves a piece out."""
    whole = landed([(number, YES) for number in random.Random(1).sample(range(10**14, 10**15), 20_000)], NOW)
    footer = whole[-int.from_bytes(whole[-8:-4], "little") - 8 :]
    (tmp_path / "part.parquet").write_bytes(whole[:kept] + footer)
    error = failure(tmp_path)
    assert f"{tmp_path}/part.parquet is damaged" in error.message
    assert "its footer names bytes that it does not have" in error.message
    assert not error.retryable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verified_at": None}, "has no column verified_at"),
        ({"number": pyarrow.array([A])}, "has a column number that is not text"),
        ({"verified_at": pyarrow.array([datetime(2026, 1, 1)])}, "verified_at that is not a timestamp in UTC"),
    ],
)
def test_a_file_of_another_writer_is_an_error(
    tmp_path: Path, changes: dict[str, pyarrow.Array | None], words: str
) -> None:
    columns = {
        "number": pyarrow.array([f"+{A}"]),
        "registered": pyarrow.array([True]),
        "verified_at": pyarrow.array([NOW]),
        "task_type": pyarrow.array(["amazon"]),
    } | changes
    table = pyarrow.table({name: column for name, column in columns.items() if column is not None})
    parquet.write_table(table, tmp_path / "other.parquet")
    error = failure(tmp_path)
    assert f"{tmp_path}/other.parquet {words}" in error.message or words in error.message
    assert "Set history_uri to a prefix" in error.message
    assert not error.retryable


def test_a_file_of_an_engine_is_read_as_well(tmp_path: Path) -> None:
    """Several results in one file and in one row group, as a compaction leaves them."""
    table = pyarrow.table(
        {
            "task_type": ["amazon", "ws", "amazon", None],
            "dt": ["2026-05-01"] * 4,
            "verified_at": pyarrow.array([NOW, NOW, SINCE, NOW], pyarrow.timestamp("ms", "UTC")),
            "number": pyarrow.array(["+12", "+13", "+14", "+15"]).dictionary_encode(),
            "registered": [True, True, False, None],
        }
    )
    parquet.write_table(table, tmp_path / "compacted.parquet")
    files = ParquetFiles(tmp_path)
    rows = [row for batch in files.batches(SINCE, "amazon") for row in batch.to_pylist()]
    assert rows == [
        {"number": "+12", "registered": True, "verified_at": NOW},
        {"number": "+14", "registered": False, "verified_at": SINCE},
    ]


def test_row_groups_of_any_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are fetched together, one by one, or are too large to be held."""
    count = 30_000
    table = pyarrow.table(
        {
            "number": [f"+{10**11 + 37 * row}" for row in range(count)],
            "registered": [True] * count,
            "verified_at": [NOW] * count,
            "task_type": ["amazon"] * count,
        }
    )
    parquet.write_table(table, tmp_path / "part.parquet", row_group_size=7_000, compression="none")
    for part_bytes in (1 << 30, 200_000, 100_000, 10_000):
        monkeypatch.setattr(parquet_files, "_PART_BYTES", part_bytes)
        assert numbers_in(tmp_path) == sorted(table["number"].to_pylist())


def test_what_is_not_parquet_is_passed_over_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("unmatched.txt", "result.zip", "rejects.csv.gz"):
        (tmp_path / name).write_bytes(b"+12025550101\n")
    for name in ("_SUCCESS", ".part.parquet.crc", "_temporary/part.parquet", ".hidden/part.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "PART.PARQUET").write_bytes(RIGHT)
    assert numbers_in(tmp_path) == [f"+{A}", f"+{B}"]
    assert "has 3 files whose name does not end in .parquet. Passed over" in caplog.text


def test_files_none_of_which_is_parquet_are_no_empty_history(tmp_path: Path) -> None:
    (tmp_path / "result.zip").write_bytes(b"PK")
    error = failure(tmp_path)
    assert "has 1 file, but none whose name ends in .parquet" in error.message
    assert not error.retryable


def test_an_empty_directory_is_an_empty_history(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert numbers_in(tmp_path) == []
    assert "has no file yet, so each number is new" in caplog.text


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_missing_directory_is_no_empty_history(tmp_path: Path, scheme: str) -> None:
    error = failure(f"{scheme}{tmp_path}/none")
    assert "If this is the first run, create the" in error.message
    assert not error.retryable


def test_a_scheme_that_nobody_reads_is_an_error() -> None:
    error = failure("nosuch://user:secret@host/results?signature=secret")
    assert "Install the Airflow provider with that file system" in error.message
    assert "secret" not in error.message


def test_a_path_on_another_host_is_an_error() -> None:
    with pytest.raises(EkycNumbersError, match="names a file on another host"):
        ParquetFiles("file://elsewhere/results")


def changed_while_read(folder: object, path: Path, change: Callable[[Path], object]) -> EkycHistoryError:
    """Change a file between its footer and its rows."""
    many = random.Random(1).sample(range(10**14, 10**15), 20_000)  # more than is read with a footer
    path.write_bytes(landed([(number, YES) for number in many], NOW))
    files = ParquetFiles(folder)
    read = parquet_files._fetch

    def fetch(part: parquet_files._Part) -> parquet_files._Part:
        change(path)
        return read(part)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet_files, "_fetch", fetch)
        with pytest.raises(EkycHistoryError) as raised:
            list(files.batches(SINCE, "amazon"))
    assert raised.value.retryable
    return raised.value


def rewrite(path: Path) -> None:
    """Put other bytes of the same size there, and the old times, as rsync --times does."""
    times = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    new.replace(path)


@pytest.mark.parametrize(
    ("scheme", "change", "words"),
    [
        ("", Path.unlink, "it was deleted or renamed"),
        ("", rewrite, "it was replaced or written to"),
        ("", replace, "it was replaced or written to"),
        ("", lambda path: os.truncate(path, 100), "it was replaced or written to"),
        ("local://", Path.unlink, "it was deleted or renamed"),
        ("local://", replace, "its "),
        ("local://", lambda path: os.truncate(path, 100), "its size"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, scheme: str, change: Callable[[Path], object], words: str
) -> None:
    error = changed_while_read(f"{scheme}{tmp_path}", tmp_path / "part.parquet", change)
    assert f"{tmp_path}/part.parquet changed while the history was read ({words}" in error.message


def replace_by_a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def replace_folder_by_a_file(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.write_bytes(RIGHT)


@pytest.mark.parametrize(
    ("scheme", "change", "words", "retryable"),
    [
        ("", replace_by_a_link_to_itself, "a file of the history, can't be read (Too many levels", True),
        ("", replace_folder_by_a_file, "a file of the history, can't be read (Not a directory)", False),
        ("local://", replace_by_a_link_to_itself, "a history, can't be read (OSError: ", True),
        ("local://", replace_folder_by_a_file, "a history, can't be read (NotADirectoryError: ", False),
    ],
)
def test_a_listed_file_that_can_not_be_opened_is_an_error(
    tmp_path: Path, scheme: str, change: Callable[[Path], object], words: str, retryable: bool
) -> None:
    path = tmp_path / "history/part.parquet"
    path.parent.mkdir()
    path.write_bytes(RIGHT)
    ((_, file),) = parquet_files.open_folder(f"{scheme}{path.parent}", None, None).files()
    assert file is not None
    change(path)
    with pytest.raises(EkycHistoryError) as raised:
        file.read(0, 12)
    assert words in raised.value.message
    assert raised.value.message.startswith(f"{scheme}{path}, ")
    then = "may help" if retryable else "can't help"
    assert f"Nothing was sent. A retry {then}." in raised.value.message
    assert raised.value.retryable is retryable
    assert (raised.value.kind, raised.value.charge) == ("history", "none")


def test_a_disk_that_fails_is_worth_a_retry() -> None:
    # The one file that can be opened and never read, on any Linux.
    ((_, file),) = parquet_files.open_folder("/proc/self/mem", None, None).files()
    assert file is not None
    with pytest.raises(
        EkycHistoryError, match=r"mem, a file of the history, can't be read \(Input/output err"
    ) as raised:
        file.read(0, 12)
    assert "Nothing was sent. A retry may help. Check the permissions of this worker's user" in raised.value.message
    assert raised.value.retryable
    assert descriptors_of("/proc/self/mem") == []


def descriptors_of(path: str) -> list[str]:
    """Return the open descriptors of a file."""
    wanted = os.path.realpath(path)
    return [name for name in os.listdir("/proc/self/fd") if os.path.realpath(f"/proc/self/fd/{name}") == wanted]


def test_a_store_that_does_not_say_the_size_of_a_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"+{A}.parquet").write_bytes(RIGHT)
    info = LocalFileSystem.info

    def without_size(*arguments: object, **more: object) -> dict[str, object]:
        return info(*arguments, **more) | {"size": None}

    monkeypatch.setattr(LocalFileSystem, "info", without_size)
    error = failure(f"local://{tmp_path}")
    assert f"The store does not say the size of local://{tmp_path}/[number removed].parquet." in error.message
    assert "A retry can't help. Copy the history to S3" in error.message
    assert not error.retryable


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_file_that_is_gone_once_it_is_listed_is_an_error_if_it_may_matter(tmp_path: Path, scheme: str) -> None:
    """Such as what a writer has renamed at its end."""
    (tmp_path / "1.parquet").write_bytes(RIGHT)
    for name in ("2.tmp", "3.parquet"):
        (tmp_path / name).write_bytes(RIGHT)
    files = parquet_files.open_folder(f"{scheme}{tmp_path}", None, None).files()
    assert next(files)[0] == "1.parquet"
    (tmp_path / "2.tmp").unlink()
    (tmp_path / "3.parquet").unlink()
    assert next(files)[0] == "2.tmp"
    with pytest.raises(EkycHistoryError) as raised:
        next(files)
    assert f"{tmp_path}/3.parquet changed while the history was read (it was deleted or renamed)" in str(raised.value)
    assert raised.value.retryable


@pytest.mark.parametrize(("reader", "name"), [(parquet, "read_metadata"), (parquet_files.RangedFile, "read")])
def test_memory_that_runs_out_is_no_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: object, name: str
) -> None:
    (tmp_path / "part.parquet").write_bytes(RIGHT)

    def read(*_: object) -> bytes:
        raise pyarrow.lib.ArrowMemoryError("made up")

    monkeypatch.setattr(reader, name, read)
    with pytest.raises(MemoryError):
        numbers_in(tmp_path)


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    assert "is no regular file" in failure(tmp_path).message


def test_links_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/part.parquet").write_bytes(RIGHT)
    (tmp_path / "history").mkdir()
    (tmp_path / "history/2025").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "history/loop").symlink_to(tmp_path / "history")
    assert numbers_in(tmp_path / "history") == [f"+{A}", f"+{B}"]


def test_a_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "part.parquet").symlink_to(tmp_path / "gone.parquet")
    assert "can't be listed (No such file or directory)" in failure(tmp_path).message


def test_one_file_is_a_history(tmp_path: Path) -> None:
    (tmp_path / "part.parquet").write_bytes(landed([(A, UNKNOWN)], NOW))
    assert numbers_in(tmp_path / "part.parquet") == [f"+{A}"]
    assert numbers_in(f"local://{tmp_path}/part.parquet") == [f"+{A}"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("part-0.parquet", Kind.PARQUET),
        ("dt=2026-01-01/part-0.PARQUET", Kind.PARQUET),
        ("dt=__HIVE_DEFAULT_PARTITION__/part-0.parquet", Kind.PARQUET),
        ("part-0.parquet.gz", Kind.OTHER),
        ("unmatched.txt", Kind.OTHER),
        ("parquet", Kind.OTHER),
        ("_delta_log/0.parquet", Kind.HIDDEN),
        ("dt=2026-01-01/.part-0.parquet", Kind.HIDDEN),
    ],
)
def test_a_name_says_whether_a_file_counts(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


def test_the_time_zone_of_now_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "part.parquet").write_bytes(RIGHT)
    with candidates([A, B, 99]) as numbers:
        freshness = find_fresh(numbers, ParquetFiles(tmp_path), WINDOWS, "amazon", NOW.astimezone(UTC), None)
    assert (freshness.fresh, freshness.stale, freshness.new, freshness.files_read) == (2, 0, 1, 1)
