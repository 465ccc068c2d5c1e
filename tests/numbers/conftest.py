"""A file of numbers on the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.numbers.inputs import DATA


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """A file with ``DATA``, whose name needs escapes in a URI."""
    path = tmp_path / "numbers of today #1?.txt"
    path.write_bytes(DATA)
    return path
