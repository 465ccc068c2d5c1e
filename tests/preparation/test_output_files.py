from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.preparation.even_split import even_sizes
from airflow_provider_ekyc.preparation.local_destination import LocalDestination
from airflow_provider_ekyc.preparation.output_files import write_files

LINES = [b"+999%d\n" % number for number in (1, 22, 333, 4444, 55555, 666666, 7, 88, 999, 1010)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 4), min_size=1), st.integers(1, 10))
def test_blocks_of_any_size_become_files_of_the_sizes(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[int], most: int
) -> None:
    folder = tmp_path_factory.mktemp("ready")
    rest, cut = list(LINES), []
    for rows in blocks:
        cut.append(b"".join(rest[:rows]))
        del rest[:rows]
    cut.append(b"".join(rest))
    sizes = even_sizes(len(LINES), least=1, most=most)
    files = list(write_files(filter(None, cut), sizes, LocalDestination(str(folder)), spool_dir=None))
    contents = [(folder / file.name).read_bytes() for file in files]
    assert b"".join(contents) == b"".join(LINES)
    assert [file.rows for file in files] == [content.count(b"\n") for content in contents] == sizes
    for file, content in zip(files, contents, strict=True):
        key = ContentKey()
        key.add_lines(content)
        assert file.name == f"{key.hexdigest()}.txt"
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert len(list(folder.iterdir())) == len(files)


def test_fewer_rows_than_were_counted_are_an_error_and_no_file(tmp_path: Path) -> None:
    files = write_files([b"".join(LINES)], [6, 6], LocalDestination(str(tmp_path)), spool_dir=None)
    assert next(files).rows == 6
    with pytest.raises(EkycError, match="2 rows fewer than were counted"):
        next(files)
    assert len(list(tmp_path.iterdir())) == 1
