"""The lines of the XCom ``summary``, and the keys of ``xcom_keys.py``."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc import xcom_keys
from airflow_provider_ekyc.links.ekyc import EkycConsoleLink, EkycObjectLink, EkycPageLink
from airflow_provider_ekyc.summaries import submit_summary, transfer_summary, wait_summary


@pytest.mark.parametrize(
    ("submission", "sent", "line"),
    [
        ({"rows": 3000}, True, "3,000 numbers submitted as remote task d1"),
        ({"rows": 3000, "estimated_cost": "3"}, True, "3,000 numbers submitted as remote task d1; estimated cost 3.00"),
        (
            {"rows": 1, "estimated_cost": "0.00012"},
            True,
            "1 number submitted as remote task d1; estimated cost 0.00012",
        ),
        ({"rows": 3000, "estimated_cost": None}, True, "3,000 numbers submitted as remote task d1"),
        ({"rows": 3000, "estimated_cost": "made up by hand"}, True, "3,000 numbers submitted as remote task d1"),
        ({"rows": 3000, "estimated_cost": "Infinity"}, True, "3,000 numbers submitted as remote task d1"),
        (
            {"rows": 3000, "estimated_cost": "3"},
            False,
            "3,000 numbers were submitted before, as remote task d1; nothing charged now",
        ),
        ({"rows": 1}, False, "1 number was submitted before, as remote task d1; nothing charged now"),
    ],
)
def test_a_submission(submission: dict[str, Any], sent: bool, line: str) -> None:
    assert submit_summary({"ekyc_task_id": "d1", **submission}, sent=sent) == line


@pytest.mark.parametrize(
    ("exported", "line"),
    [
        (
            {"total": 3000, "success": 2990, "failure": 10, "queries": 4, "seconds": 120.4},
            "Exported: 2,990 of 3,000 processed, 10 not processed; 4 queries in 120 s",
        ),
        (
            {"total": 3000, "success": 3000, "failure": 0, "queries": 1, "seconds": 3.0},
            "Exported: 3,000 of 3,000 processed; 1 query in 3 s",
        ),
        ({"total": None, "success": 5, "queries": 1, "seconds": 3.0}, "Exported: 5 processed; 1 query in 3 s"),
        ({"total": 5, "success": None, "queries": 1, "seconds": 3.0}, "Exported: 5 numbers; 1 query in 3 s"),
        ({"total": None, "success": None, "queries": 2, "seconds": 3600.0}, "Exported; 2 queries in 3,600 s"),
        ({"total": 5, "success": 5}, "Exported: 5 of 5 processed"),
        ({"failure": 2, "queries": 2, "seconds": 1.0}, "Exported: 2 not processed; 2 queries in 1 s"),
    ],
)
def test_a_wait(exported: dict[str, Any], line: str) -> None:
    assert wait_summary(exported) == line


@pytest.mark.parametrize(
    ("landed", "line"),
    [
        ({"rows": 3000, "yes": 1180, "no": 1820, "unknown": 0, "missing": 0}, "3,000 rows: 1,180 yes, 1,820 no"),
        (
            {"rows": 3000, "yes": 1180, "no": 1815, "unknown": 5, "missing": 10, "unmatched": None},
            "3,000 rows: 1,180 yes, 1,815 no, 5 unknown, 10 not processed",
        ),
        ({"rows": 1, "yes": 1, "no": 0, "unmatched": 0, "missing": 7}, "1 row: 1 yes, 0 no"),
        ({"rows": 9, "yes": 9, "no": 0, "unmatched": 3, "missing": 1}, "9 rows: 9 yes, 0 no, 3 not processed"),
        ({"rows": None, "size": 12345}, "The archive as delivered, 12,345 bytes; its rows were not read"),
    ],
)
def test_a_landed_result(landed: dict[str, Any], line: str) -> None:
    assert transfer_summary(landed) == line


def test_the_keys_of_the_links_are_those_under_which_airflow_keeps_them() -> None:
    links = {EkycPageLink: xcom_keys.PAGE_LINK, EkycConsoleLink: xcom_keys.CONSOLE_LINK}
    for link, key in {**links, EkycObjectLink: xcom_keys.OBJECT_LINK}.items():
        assert link().xcom_key == key == f"_link_{link.__name__}"


def test_no_two_keys_are_the_same() -> None:
    keys = [value for name, value in vars(xcom_keys).items() if name.isupper()]
    assert len(keys) == len(set(keys)) == 10
