"""
The lower bounds, and the last run under them (``make lowest``).

Modules: ``dev.release.bounds``, ``dev.release.lowest``.
"""

from __future__ import annotations

import re

from packaging.version import Version

from dev.release.bounds import ROOT, declared_bounds, last_run
from dev.release.lowest import TESTS
from dev.stack.compat.versions import VERSIONS


def test_the_last_run_was_under_these_bounds() -> None:
    assert last_run().bounds == declared_bounds(), "a bound has changed: run make lowest"


def test_lowest_direct_was_resolved_on_the_oldest_airflow_of_compat() -> None:
    run = last_run()
    assert run.airflow == run.lowest_direct["apache-airflow"] == VERSIONS[0]
    assert set(run.lowest_direct) == set(run.bounds)
    for name, version in run.lowest_direct.items():
        assert Version(version) >= Version(run.bounds[name]), name


def test_the_readme_names_both() -> None:
    table = re.findall(
        r"^\| `([a-z-]+)`(?: \(extra `\w+`\))? \| ([\d.]+) \| ([\d.]+) \|", (ROOT / "README.md").read_text(), re.M
    )
    run = last_run()
    assert {name: (bound, lowest) for name, bound, lowest in table} == {
        name: (run.bounds[name], run.lowest_direct[name]) for name in run.bounds
    }


def test_the_tests_that_are_run_under_them_are_there() -> None:
    assert [test for test in TESTS if not (ROOT / test).is_file()] == []
