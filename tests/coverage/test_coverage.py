"""Which lines, branches and error paths of the package the tests reach."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from dev.coverage import FOLDER, PACKAGE, ROOT
from dev.coverage.error_paths import error_paths
from dev.coverage.explained import EXPLAINED
from dev.coverage.report import Share, merged

SOURCE = """
class Reader:
    def read(self, text):
        try:
            return int(text)
        except ValueError:
            return None
        except OverflowError as error:
            raise RuntimeError(
                "too long"
            ) from error

def fail():
    raise KeyError
"""


def test_an_error_path_is_each_raise_and_what_follows_each_except() -> None:
    found = error_paths("reader.py", SOURCE)
    assert [(path.line, path.function, path.text) for path in found] == [
        (6, "Reader.read", "except ValueError:"),
        (8, "Reader.read", "except OverflowError as error:"),
        (9, "Reader.read", "raise RuntimeError("),
        (14, "fail", "raise KeyError"),
    ]
    assert found[0].key == "reader.py Reader.read: except ValueError:"


def test_it_is_reached_where_one_of_its_lines_is_executed() -> None:
    value, overflow, raised, _ = error_paths("reader.py", SOURCE)
    assert value.is_reached({7})
    assert not value.is_reached({4, 5, 6}), "an except that was compared is none that was entered"
    assert overflow.is_reached({10})
    assert raised.is_reached({9})
    assert not raised.is_reached({8})


def test_each_explained_error_path_is_there_and_has_a_reason() -> None:
    files = {key.partition(" ")[0] for key in EXPLAINED}
    keys = {path.key for file in files for path in error_paths(file, (ROOT / file).read_text())}
    assert set(EXPLAINED) <= keys
    assert all(reason.endswith(".") for reason in EXPLAINED.values())


def test_what_several_processes_reach_counts_together(tmp_path: Path) -> None:
    recorded = [_recorded(name, tmp_path / name) for name in ("api.prices", "polling.interval")]
    files = [f"{PACKAGE}/api/prices.py", f"{PACKAGE}/polling/interval.py"]
    both = merged(recorded)
    together = [Share.of(both[file]) for file in files]
    (prices, no_interval), (no_prices, interval) = [
        [Share.of(each["files"][file]) for file in files] for each in recorded
    ]
    assert together == [prices, interval]
    assert prices.per_cent > no_prices.per_cent == 0
    assert interval.per_cent > no_interval.per_cent == 0
    assert sum(together, Share()).reached == prices.reached + interval.reached
    assert merged([]) == {}


def _recorded(name: str, folder: Path) -> dict[str, Any]:
    """Record a test that imports one module."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_import.py").write_text(f"def test_import():\n    import {PACKAGE}.{name}\n")
    options = ["-q", "-p", "dev.coverage.recorder", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, str(folder / "test_import.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    (file,) = (folder / FOLDER).glob("*.json")
    recorded: dict[str, Any] = json.loads(file.read_text())
    return recorded
