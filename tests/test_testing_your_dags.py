"""``docs/testing_your_dags.md``: the project that a reader copies is run as it is, in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "docs" / "testing"
PAGE = (ROOT / "docs" / "testing_your_dags.md").read_text()


def run(folder: Path) -> str:
    """Run pytest in a project, without what these tests have set for Airflow; return the output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    (folder / "pytest.ini").write_text("[pytest]\n")
    # Other plugins of this environment load what they need; a reader has none of them.
    options = ("--disable-plugin-autoload", "-p", "airflow_provider_ekyc.pytest_plugin", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    return done.stdout


@pytest.mark.airflow
def test_the_project_that_a_reader_copies_passes_and_so_do_the_shorter_examples(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    imports = "import pytest\n\nfrom airflow_provider_ekyc.hooks.ekyc import EkycHook\n\n\n"
    (tmp_path / "tests" / "test_blocks.py").write_text(imports + "\n\n".join(blocks))
    output = run(tmp_path)
    assert re.search(r"\b5 passed\b", output), output[-5000:]


def test_the_page_shows_each_file_of_the_project() -> None:
    files = {path.relative_to(PROJECT.parent).as_posix() for path in PROJECT.rglob("*.py")}
    assert set(re.findall(r"\{literalinclude\} (\S+)", PAGE)) == files
