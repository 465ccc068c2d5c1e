"""How ``dev/testing/xdist_scheduler.py`` distributes files, in a run of pytest with three processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CONFTEST = """
from __future__ import annotations

from pathlib import Path

from dev.testing.xdist_scheduler import AirflowFirst


def pytest_xdist_make_scheduler(config, log):
    groups = {"test_b.py": "shared", "test_e.py": "shared"}
    return AirflowFirst(config, log, Path(__file__).parent, groups, ["test_f.py"], ["test_s.py"])
"""
TESTS = "import pytest\n{mark}\n@pytest.mark.parametrize('number', range(4))\ndef test_passes(number): pass\n"
MORE_TESTS = "def test_by_itself(): pass\ndef test_alone(): pass\ndef test_apart(): pass\n"
PROJECT = Path(__file__).parents[2]


def processes_by_file(folder: Path, airflow: set[str], others: set[str]) -> dict[str, list[str]]:
    """Return which processes ran the tests of each file, in the order in which they reported."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = airflow: starts Airflow\n")
    for name in airflow | others:
        mark = "pytestmark = pytest.mark.airflow" if name in airflow else ""
        more = MORE_TESTS if name == "s" else ""
        (folder / f"test_{name}.py").write_text(TESTS.format(mark=mark) + more)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "3", "--dist", "loadfile", "-p", "xdist.plugin"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for process, file in re.findall(r"\[(gw\d)\].* PASSED test_(\w)\.py", done.stdout):
        found.setdefault(file, []).append(process)
    return found


def test_one_process_begins_with_a_file_that_starts_no_airflow(tmp_path: Path) -> None:
    ran = processes_by_file(tmp_path, airflow={"c", "d"}, others={"a", "f"})
    first = {process for file in "cdf" for process in ran[file]}
    assert len(first) == 3, "and with the long one of its kind, each in a process of its own"


def test_files_that_share_a_server_run_in_one_process(tmp_path: Path) -> None:
    ran = processes_by_file(tmp_path, airflow=set(), others={"a", "b", "c", "d", "e"})
    assert len(set(ran["b"] + ran["e"])) == 1
    assert {file: len(tests) for file, tests in ran.items()} == dict.fromkeys("abcde", 4)


def test_a_long_file_whose_tests_share_nothing_is_run_by_several_processes(tmp_path: Path) -> None:
    ran = processes_by_file(tmp_path, airflow=set(), others={"s"})
    assert len(ran["s"]) == 7
    assert len(set(ran["s"])) > 1
