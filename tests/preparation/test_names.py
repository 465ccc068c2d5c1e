"""Which files and objects the names of a list mean. Module: ``preparation/sources/names.py``."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycSettingsError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import S3Address, read_address
from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists
from airflow_provider_ekyc.preparation.sources.names import find_sources, pattern_of
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Fault, S3Relay
from tests.conftest import BUCKET
from tests.preparation.reading import FIRST, SECOND, THIRD, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three lists, and what Spark and a file manager write beside."""
    for name in ("b.csv", "a.csv", "deep/c.csv", "_SUCCESS", ".hidden.csv", "_temporary/d.csv", "other.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{FIRST}\n")
    return tmp_path


def found(numbers: object) -> list[str]:
    return find_sources(numbers, aws_conn_id=None, numbers_conn_id=None)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["a.csv", "b.csv", "deep/c.csv", "other.txt"]),
        ("*.csv", ["a.csv", "b.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "deep/c.csv"]),
        ("*/c.csv", ["deep/c.csv"]),
        ("[!b].cs?", ["a.csv"]),
        ("_SUCC*", ["_SUCCESS"]),
    ],
)
@pytest.mark.parametrize("scheme", ["", "file://", "path"])
def test_files_below_a_prefix_or_of_a_glob_are_found_sorted(
    folder: Path, pattern: str, names: list[str], scheme: str
) -> None:
    expected = [f"{folder}/{name}" for name in names]
    if scheme == "path":
        assert found([f"{folder}/{pattern}"]) == expected
    else:
        assert found(f"{scheme}{folder}/{pattern}") == expected


def test_a_relative_glob_counts_from_where_the_worker_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert [os.path.normpath(name) for name in found("*.csv")] == ["a.csv", "b.csv"]


def test_several_names_keep_their_order_and_a_file_may_have_the_name_of_a_glob(folder: Path) -> None:
    odd = folder / "list[1]? #2.csv"
    odd.write_text(f"{FIRST}\n")
    names = [f"{folder}/b.*", odd, f"{folder}/a.*"]
    assert found(names) == found(tuple(names)) == [f"{folder}/b.csv", str(odd), f"{folder}/a.csv"]


@pytest.mark.parametrize("name", ["none/", "none*", "deep/x/*"])
def test_a_prefix_or_glob_without_files_is_an_error(folder: Path, name: str) -> None:
    with pytest.raises(EkycNumbersError, match="There is no file at"):
        found(f"{folder}/{name}")


def test_the_end_of_a_name_counts_whatever_is_in_it(folder: Path) -> None:
    path = folder / "list? #2.csv"
    path.write_text(f"phone\n{FIRST}\n")
    assert read(numbers=path) == [(2, [FIRST])]


def test_a_link_is_followed_once_and_one_that_leads_nowhere_is_not_left_out(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "linked").symlink_to(folder / "_temporary")
    (folder / "z.csv").symlink_to(folder / "none.csv")
    assert found(f"{folder}/**/*.csv") == [
        f"{folder}/{name}" for name in ("a.csv", "b.csv", "deep/c.csv", "linked/d.csv", "z.csv")
    ]
    with pytest.raises(EkycError, match="There is no file"):
        read(numbers=f"{folder}/*.csv")


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_folder_that_may_not_be_read_is_an_error_and_not_left_out(scheme: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "a.txt").write_text(f"{FIRST}\n")
        (path / "closed").mkdir()
        assert len(found(f"{scheme}{path}/")) == 1
        (path / "closed").chmod(0o000)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # nobody: root may read all
            with pytest.raises(EkycNumbersError, match="could not be listed"):
                found(f"{scheme}{path}/")
        finally:
            os.seteuid(user)
            (path / "closed").chmod(0o755)


def test_no_name_and_numbers_in_place_of_names_are_errors() -> None:
    with pytest.raises(EkycNumbersError, match="empty list"):
        found([])
    with pytest.raises(EkycSettingsError, match="numbers is empty"):
        found(None)
    with pytest.raises(EkycNumbersError, match="looks like numbers") as raised:
        read(numbers=[FIRST, SECOND])
    assert FIRST not in str(raised.value)


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("**/b", "b", True),
        ("a?c", "a/c", False),
        ("[a-c]", "b", True),
        ("[!a-c]", "b", False),
        ("[^a]", "^", True),
        ("a.b", "axb", False),
        ("[", "[", True),
    ],
)
def test_a_glob_matches_as_documented(glob: str, name: str, matches: bool) -> None:
    assert bool(pattern_of(glob).fullmatch(name)) is matches


def test_objects_in_s3_are_found_and_read(s3: Any, connections: None) -> None:
    for key, number in (("in/b.txt", SECOND), ("in/a.txt", FIRST), ("in/deep/c.txt", THIRD), ("in/_SUCCESS", "")):
        s3.put_object(Bucket=BUCKET, Key=key, Body=f"{number}\n".encode())
    s3.put_object(Bucket=BUCKET, Key="in/folder/", Body=b"")
    assert read(numbers=f"s3://{BUCKET}/in/") == [(1, [FIRST]), (1, [SECOND]), (1, [THIRD])]
    assert read(numbers=f"s3://aws_default@{BUCKET}/in/*.txt", aws_conn_id=None) == [(1, [FIRST]), (1, [SECOND])]
    assert read(numbers=[f"s3://{BUCKET}/i*/**/[bc].txt"]) == [(1, [SECOND]), (1, [THIRD])]
    assert len(read(numbers=f"s3a://{BUCKET}/")) == 3
    with pytest.raises(EkycNumbersError, match=f"There is no file at s3://{BUCKET}/none/"):
        read(numbers=f"s3://{BUCKET}/none/")
    with pytest.raises(EkycError, match="NoSuchBucket"):
        read(numbers="s3://no-such-bucket/in/")


class ListingClient:
    """An S3 client that lists keys as S3 does: another server may take ``//`` for ``/``."""

    keys = ("/lists/a.txt", "/lists/b.txt", "lists/c.txt")

    def get_paginator(self, operation: str) -> ListingClient:
        return self

    def paginate(self, *, Bucket: str, Prefix: str, **arguments: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.keys if key.startswith(Prefix)]}]


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("//lists/", ["/lists/a.txt", "/lists/b.txt"]),
        ("//lists/[b-z].txt", ["/lists/b.txt"]),
        ("/lists/", ["lists/c.txt"]),
        ("//**", ["/lists/a.txt", "/lists/b.txt"]),
    ],
)
def test_an_object_is_found_by_the_key_that_it_is_read_by(
    monkeypatch: pytest.MonkeyPatch, pattern: str, keys: list[str]
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.preparation.sources.names.s3_client", lambda *_: ListingClient())
    places = [read_address(each) for each in found(f"s3://{BUCKET}{pattern}")]
    assert [place.key for place in places if isinstance(place, S3Address)] == keys


@pytest.mark.usefixtures("s3", "connections")
def test_objects_that_s3_does_not_list_just_now_are_an_error_that_a_retry_may_help(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Relay(s3_server.endpoint_url, S3Fault("list", "status", times=None)) as relay:
        connection = s3_server.connection()
        extra = {**connection["extra"], "endpoint_url": relay.endpoint_url}
        extra["config_kwargs"] = {"retries": {"max_attempts": 1}}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**connection, "extra": extra}))
        with pytest.raises(EkycUnreadableInputError) as failed:
            find_sources(f"s3://{BUCKET}/in/", aws_conn_id="aws_default", numbers_conn_id=None)
    assert failed.value.retryable
    assert str(failed.value).startswith(
        f"S3 did not list s3://{BUCKET}/in/ for the AWS connection 'aws_default' (ListObjectsV2: SlowDown, 503). "
        "Nothing was sent. A retry lists it again."
    )


def test_objects_of_another_store_are_found_and_read(folder: Path) -> None:
    from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

    assert found(f"local://{folder}/") == [
        f"local://{folder}/{name}" for name in ("a.csv", "b.csv", "deep/c.csv", "other.txt")
    ]
    assert read(numbers=[ObjectStoragePath(f"local://{folder}") / "*.csv"]) == [(1, [FIRST]), (1, [FIRST])]
    for name in ("none*", "none/", "none/*.csv"):
        with pytest.raises(EkycNumbersError, match="There is no file at local:"):
            found(f"local://{folder}/{name}")
    with pytest.raises(EkycNumbersError, match="could not be listed"):
        found("nosuch://host/lists/")


def test_a_file_that_vanishes_after_it_was_found_is_one_clear_error(folder: Path) -> None:
    with open_lists(ListArguments(numbers=f"{folder}/*.csv")) as lists:
        assert b"".join(next(lists).blocks) == f"{FIRST}\n".encode()
        (folder / "b.csv").unlink()
        with pytest.raises(EkycUnreadableInputError, match=r"There is no file .*Nothing was sent.* A retry looks"):
            next(lists)


def test_the_last_file_of_a_glob_that_vanishes_after_it_was_found_is_one_clear_error(folder: Path) -> None:
    with open_lists(ListArguments(numbers=f"{folder}/b*")) as lists:
        (folder / "b.csv").unlink()
        with pytest.raises(EkycUnreadableInputError, match=r"There is no file .*Nothing was sent.* A retry looks"):
            next(lists)


def test_a_file_that_is_not_there_is_an_error_that_a_retry_cannot_help(folder: Path) -> None:
    with pytest.raises(EkycNumbersError, match="There is no file"):
        read(numbers=[f"{folder}/a.csv", f"{folder}/none.csv"])


def test_a_file_that_changes_while_it_is_read_is_one_clear_error(folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text(f"{FIRST}\n" * 500_000)
    with open_lists(ListArguments(numbers=path)) as lists:
        blocks = next(lists).blocks
        next(blocks)
        with path.open("a") as file:
            file.write(f"{SECOND}\n")
        with pytest.raises(EkycUnreadableInputError, match="changed while it was read"):
            list(blocks)


def test_an_object_that_changes_while_it_is_read_is_one_clear_error(s3: Any, connections: None) -> None:
    s3.put_object(Bucket=BUCKET, Key="a.txt", Body=f"{FIRST}\n".encode() * 500_000)
    with open_lists(ListArguments(numbers=f"s3://{BUCKET}/a.txt")) as lists:
        opened = next(lists)
        next(opened.blocks)
        s3.put_object(Bucket=BUCKET, Key="a.txt", Body=b"another")
        with pytest.raises(EkycUnreadableInputError, match=r"a\.txt"):
            list(opened.blocks)


def test_files_are_closed_with_the_block(folder: Path) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    with open_lists(ListArguments(numbers=f"{folder}/*.csv")) as lists:
        next(lists)
        assert opened() > before
    assert opened() == before


@pytest.mark.parametrize("pattern", ["", "*"])
def test_a_name_that_ends_with_a_blank_is_refused_since_another_file_would_be_read(
    tmp_path: Path, pattern: str
) -> None:
    (tmp_path / "list.txt").write_text(f"{FIRST}\n")
    (tmp_path / "list.txt ").write_text(f"{SECOND}\n")
    with pytest.raises(EkycNumbersError, match=r"^1 file at .* with a blank at the end of the name\. Nothing was"):
        found(f"{tmp_path}/{pattern}")
