"""What all files of a group have landed: ``task_groups/landed.py``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from airflow.sdk import Asset

from airflow_provider_ekyc.task_groups.landed import LandedFilesOperator, total_of


class Pulled:
    """A task instance that has the XComs of a run: the list of files, and results by map index."""

    def __init__(self, files: list[str] | None, results: dict[int, dict[str, Any]]) -> None:
        self.files = files
        self.results = results
        self.pushed: dict[str, Any] = {}

    def xcom_pull(self, task_ids: str | list[str], key: str = "", map_indexes: Iterable[int] = ()) -> Any:
        if task_ids == "verify.prepare":
            return self.files
        assert (task_ids, key) == (["verify.each_file.land"], "result")
        return [self.results.get(index) for index in map_indexes]

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def result(name: str, yes: int, no: int) -> dict[str, Any]:
    return {"s3_uri": f"s3://bucket/{name}", "rows": yes + no, "yes": yes, "no": no, "unknown": 0, "missing": None}


def collect(ti: Pulled, **arguments: Any) -> tuple[list[str], dict[str, Any]]:
    operator = LandedFilesOperator(
        task_id="landed", files_from="verify.prepare", landed_by="verify.each_file.land", **arguments
    )
    events = {outlet: Event() for outlet in operator.outlets}
    context: Any = {"ti": ti, "outlet_events": events}
    return operator.execute(context), {outlet.name: event.extra for outlet, event in events.items()}


class Event:
    """The event of an outlet."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}


def test_the_list_has_the_order_of_the_files() -> None:
    ti = Pulled(["a", "b", "c"], {2: result("c", 1, 2), 0: result("a", 10, 20), 1: result("b", 3, 4)})
    assert collect(ti)[0] == ["s3://bucket/a", "s3://bucket/b", "s3://bucket/c"]
    assert ti.pushed["total"] == {
        "files": 3,
        "landed": 3,
        "rows": 40,
        "yes": 14,
        "no": 26,
        "unknown": 0,
        "missing": 0,
    }


def test_one_file_is_a_list_of_one() -> None:
    assert collect(Pulled(["a"], {0: result("a", 1, 1)}))[0] == ["s3://bucket/a"]


def test_no_file_is_an_empty_list() -> None:
    for nothing in ([], None):
        ti = Pulled(nothing, {})
        assert collect(ti)[0] == []
        assert ti.pushed["total"]["files"] == 0


def test_a_file_that_was_skipped_is_counted_as_not_landed() -> None:
    ti = Pulled(["a", "b"], {1: result("b", 1, 2)})
    assert collect(ti)[0] == ["s3://bucket/b"]
    assert (ti.pushed["total"]["files"], ti.pushed["total"]["landed"], ti.pushed["total"]["rows"]) == (2, 1, 3)


@pytest.mark.parametrize("outlet", [Asset("customers_verified"), Asset.ref(name="customers_verified")], ids=str)
def test_the_event_of_an_outlet_carries_the_counts_of_all_files(outlet: Any) -> None:
    ti = Pulled(["a", "b"], {0: result("a", 1, 2), 1: result("b", 1, 2)})
    _, events = collect(ti, outlets=[outlet])
    assert events == {"customers_verified": total_of([result("a", 1, 2), result("b", 1, 2)], 2)}
