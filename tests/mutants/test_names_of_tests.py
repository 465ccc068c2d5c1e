"""mutmut names the tests that it runs for a change: each name must be the same in all runs of one process."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

_TWICE = """
import sys
import pytest

class Names:
    def pytest_collection_finish(self, session):
        print("names", sorted(item.nodeid for item in session.items))

for _ in range(2):
    pytest.main(["--collect-only", "-qq", "-n0", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Names()])
"""


def test_a_second_run_in_one_process_has_the_same_names_with_backslashes_too() -> None:
    files = ["tests/results/test_archive_tables.py"]
    done = subprocess.run(
        [sys.executable, "-c", _TWICE, *files], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    first, second = (line for line in done.stdout.splitlines() if line.startswith("names"))
    assert r"folder\\" in first
    assert first == second
