"""What a list may be: which sources, and that each row of them is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists


def read(**arguments: Any) -> list[tuple[int, bytes]]:
    """Return the first row and the lines of each source."""
    with open_lists(ListArguments(**arguments)) as lists:
        return [(opened.first_row, b"".join(opened.blocks)) for opened in lists]


def test_a_text_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(b"\xef\xbb\xbf+12025550100\r\n\r+12025550101")
    assert read(numbers=path) == [(1, b"+12025550100\n\n+12025550101\n")]


def test_several_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    first, second = tmp_path / "b.txt", tmp_path / "a.txt"
    first.write_bytes(b"+12025550100\n")
    second.write_bytes(b"+12025550101\n")
    assert read(numbers=[str(first), second]) == [(1, b"+12025550100\n"), (1, b"+12025550101\n")]
