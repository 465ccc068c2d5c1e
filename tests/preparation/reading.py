"""Read lists as the operator does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists

FIRST, SECOND, THIRD = "+12025550100", "+12025550101", "+12025550102"


def read(**arguments: Any) -> list[tuple[int, list[str]]]:
    """Return the first row and the lines of each source; an error that shows a number fails the test."""
    try:
        with open_lists(ListArguments(**arguments)) as lists:
            return [(opened.first_row, _lines(b"".join(opened.blocks))) for opened in lists]
    except EkycError as error:
        if re.search(r"\d{6}", str(error)):
            pytest.fail(f"an error shows a number: {error}")
        raise


def read_file(tmp_path: Path, name: str, content: bytes, **arguments: Any) -> tuple[int, list[str]]:
    """Write a file, read it, and return its first row and its lines."""
    path = tmp_path / name
    path.write_bytes(content)
    return read(numbers=str(path), **arguments)[0]


def _lines(data: bytes) -> list[str]:
    assert not data or data.endswith(b"\n")
    return data.decode("utf-8", "surrogateescape").split("\n")[:-1]
