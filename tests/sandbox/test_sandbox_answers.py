"""
What the sandbox answers for a number, and the archive that says so.

Modules: ``sandbox/answers.py``.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest

from airflow_provider_ekyc.sandbox import expected_answer
from airflow_provider_ekyc.sandbox.archive import Recipe, write_archive
from airflow_provider_ekyc.sandbox.intake import take_in
from airflow_provider_ekyc.sandbox.stopping import Stopped
from tests.sandbox.sandbox_callers import numbers, table


def never():
    return False


def test_the_rule_is_the_documented_one():
    # Taken from zlib alone, apart from the package: a change of the rule must show.
    said = "".join(expected_answer(f"+1202555{line:04d}")[0] for line in range(100, 120))
    assert said == "yynnnyynyynnnnnnnnnn"
    assert expected_answer("12025550100") == expected_answer("+12025550100")


def test_about_two_in_five_say_yes_and_a_share_is_undetermined():
    list_ = numbers(20_000).split()
    plain = Counter(expected_answer(number) for number in list_)
    assert plain.keys() == {"yes", "no"}
    assert 0.38 < plain["yes"] / 20_000 < 0.42
    shared = Counter(expected_answer(number, undetermined_percent=10) for number in list_)
    assert 0.09 < shared["undetermined"] / 20_000 < 0.11


def test_the_archive_says_what_the_rule_says(call_up):
    caller = call_up(undetermined_percent=10)
    rows = table(caller.get(caller.result_url(500)).content)
    assert rows[0] == ["Number", "amazon"]
    assert [row[0] for row in rows[1:]] == numbers(500).split()
    assert all(answer == expected_answer(number, undetermined_percent=10) for number, answer in rows[1:])


def test_the_column_bears_the_task_type_in_lower_case(caller):
    task_id = caller.submit(numbers(5), task_type="coinW").json()["task_id"]
    rows = table(caller.get(caller.status(task_id).json()["result_url"]).content)
    assert rows[0] == ["Number", "coinw"]
    assert len(rows) == 6


def test_duplicates_go_wherever_they_stand_and_the_order_stays(tmp_path):
    rng = random.Random(7)
    distinct = numbers(50_000).split()
    rng.shuffle(distinct)
    lines = distinct + rng.choices(distinct, k=100_000) + ["junk", "", "+0", "  "]
    expected = list(dict.fromkeys(lines[: len(distinct)]))
    upload, rows = tmp_path / "upload", tmp_path / "rows"
    upload.write_text("\r\n".join(lines))
    intake = take_in(upload, rows, never)
    assert (intake.lines, intake.rows) == (150_002, 50_000)
    assert rows.read_text().split() == expected


def test_a_file_without_any_number_gives_no_rows(tmp_path):
    upload, rows = tmp_path / "upload", tmp_path / "rows"
    upload.write_bytes(b"\xff\xfe\x00junk")
    assert take_in(upload, rows, never).rows == 0
    assert rows.read_bytes() == b""


def test_numbers_that_share_a_place_in_the_bitmap_are_all_kept(tmp_path):
    # With 8 places for 1,000 numbers nearly every one is a suspect.
    upload, rows = tmp_path / "upload", tmp_path / "rows"
    upload.write_text(numbers(1000) * 2)
    assert take_in(upload, rows, never, most_bits=3).rows == 1000
    assert rows.read_text() == numbers(1000)


def test_long_work_ends_when_the_sandbox_closes(tmp_path):
    upload, rows = tmp_path / "upload", tmp_path / "rows"
    upload.write_text(numbers(100))
    with pytest.raises(Stopped):
        take_in(upload, rows, lambda: True)
    with pytest.raises(Stopped):
        write_archive(upload, tmp_path / "zip", Recipe("amazon", 100), lambda: True)


def test_a_list_that_is_half_written_stays_so_when_the_sandbox_closes(tmp_path):
    upload, rows = tmp_path / "upload", tmp_path / "rows"
    upload.write_text(numbers(100))
    closing = iter([False, True])
    with pytest.raises(Stopped):
        take_in(upload, rows, lambda: next(closing))
    assert rows.read_bytes() == b""


def test_the_sandbox_is_its_own_front_door():
    code = (
        "import sys, airflow_provider_ekyc.sandbox.command\n"
        "own = 'airflow_provider_ekyc.sandbox'\n"
        "strangers = [m for m in sys.modules if m.partition('.')[0] in ('airflow', 'airflow_provider_ekyc')]\n"
        "print([m for m in strangers if not m.startswith(own) and m != 'airflow_provider_ekyc'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
