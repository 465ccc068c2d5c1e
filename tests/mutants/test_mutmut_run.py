"""What is kept of an earlier run of mutmut."""

from __future__ import annotations

import json
from pathlib import Path

from dev.mutants.modules import PACKAGE
from dev.mutants.mutmut_run import forget_survivors, read_found


def test_survivors_are_tried_again_with_the_tests_as_they_are_and_kills_are_kept(tmp_path: Path) -> None:
    meta = tmp_path / "mutants" / PACKAGE / "api" / "prices.py.meta"
    old_test = tmp_path / "mutants" / "tests" / "test_prices.py"
    for file in (meta, old_test):
        file.parent.mkdir(parents=True)
    old_test.write_text("")
    codes = {"killed": 1, "ended by a signal": -24, "survived": 0, "no test": 33, "no time": None}
    meta.write_text(json.dumps({"exit_code_by_key": codes, "hash_by_function_name": {"f": "1"}}))
    forget_survivors(tmp_path, "api/prices.py")
    assert json.loads(meta.read_text()) == {
        "exit_code_by_key": {**codes, "survived": None, "no test": None},
        "hash_by_function_name": {"f": "1"},
    }
    assert not old_test.exists()


def test_the_first_run_of_a_module_has_nothing_to_forget(tmp_path: Path) -> None:
    forget_survivors(tmp_path, "api/prices.py")
    assert list(tmp_path.iterdir()) == []


def test_what_made_the_tests_run_on_is_counted_among_the_kills(tmp_path: Path) -> None:
    written = tmp_path / "mutants" / PACKAGE / "api" / "prices.py"
    written.parent.mkdir(parents=True)
    written.write_text("def x_f__mutmut_orig():\n    return 1\n\n\ndef x_f__mutmut_4():\n    return 2\n")
    codes = {f"{PACKAGE}.api.prices.x_f__mutmut_{n}": code for n, code in enumerate([1, -24, 36, None, 0])}
    written.with_name("prices.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    found = read_found(tmp_path, "api/prices.py")
    assert (found.made, found.killed, found.timed_out, found.not_tried) == (5, 3, 2, 1)
    assert [change.after for change in found.survivors] == ["return 2"]
