"""``make stranger`` runs each command of the start page, and nothing that leaves the machine or meets other servers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dev.stranger.__main__ import report
from dev.stranger.script import FOLDER, PAGE, Replaced, script_of, steps_of

TEXT = PAGE.read_text(encoding="utf-8")
REPLACED = Replaced(
    Path("/tmp/made-up"), Path("/made/up.whl"), Path("/made/up.txt"), {8900: 20001, 8333: 20002, 8080: 20003}
)
SCRIPT = script_of(TEXT, REPLACED)


def test_it_is_a_script_that_bash_accepts(tmp_path: Path) -> None:
    script = tmp_path / "start.sh"
    script.write_text(SCRIPT)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_each_numbered_chapter_of_the_page_is_a_step() -> None:
    chapters = re.findall(r"^## (\d+\. .*)$", TEXT, re.MULTILINE)
    assert list(steps_of(TEXT)) == chapters
    assert re.findall(r"^step '(.*)'$", SCRIPT, re.MULTILINE) == chapters


def test_what_is_replaced_is_not_left_anywhere() -> None:
    assert FOLDER not in SCRIPT
    assert "raw.githubusercontent.com" not in SCRIPT
    assert "airflow standalone" not in SCRIPT
    assert not re.search(r"\b(8900|8333|8080)\b", SCRIPT)
    assert "/made/up.whl" in SCRIPT
    assert "--constraint" in SCRIPT


@pytest.mark.parametrize(
    ("output", "seconds", "code"),
    [
        ('first/a.csv 1000 rows [1]\n{"task_id": "d1"}', 599.0, 0),
        ('first/a.csv 1000 rows [1]\n{"task_id": "d1"}', 601.0, 1),
        ('first/a.csv 999 rows [1]\n{"task_id": "d1"}', 1.0, 1),
        ('first/a.csv 1000 rows [1]\n{"task_id": "d1"}, {"task_id": "d2"}', 1.0, 1),
        ("", 1.0, 1),
    ],
)
def test_its_exit_code_is_0_for_one_whole_result_billed_once_in_time(output: str, seconds: float, code: int) -> None:
    assert report(output, seconds) == code
