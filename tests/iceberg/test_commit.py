"""A landed file is in the Iceberg table exactly once, whatever the catalog and other writers do meanwhile."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyiceberg.catalog import Catalog

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.exceptions import Charge, EkycIcebergError
from airflow_provider_ekyc.iceberg import commit
from airflow_provider_ekyc.iceberg.commit import Committed, WarehouseTable
from airflow_provider_ekyc.s3.result_object import Landed
from dev.testing.rest_catalog import RestCatalogServer, lost, unsent
from dev.testing.sockets import answer
from tests.conftest import BUCKET
from tests.iceberg.conftest import NAMESPACE, NOON, TABLE, Land, connect, ekyc_task_id

pytestmark = pytest.mark.usefixtures("no_waits")


def add(landed: Landed) -> Committed:
    table = WarehouseTable(TABLE, "iceberg_default")
    table.prepare(landed.ekyc_task_id, landed.s3_uri)
    return table.add(landed)


def rows_in(catalog: Catalog) -> list[tuple[str, str]]:
    rows = catalog.load_table(TABLE).scan(selected_fields=("ekyc_task_id", "number")).to_arrow().to_pylist()
    return sorted((row["ekyc_task_id"], row["number"]) for row in rows)


def expected(*landed: Landed) -> list[tuple[str, str]]:
    return sorted((one.ekyc_task_id, f"+999{number:010d}") for one in landed for number in range(one.rows or 0))


def test_a_landed_file_is_added_as_it_is_and_once(catalog: Catalog, land: Land) -> None:
    first, second = land(0), land(1)

    committed = [add(first), add(second)]
    again = [add(first), add(second)]

    assert rows_in(catalog) == expected(first, second)
    assert again == committed
    table = catalog.load_table(TABLE)
    assert sorted(task.file.file_path for task in table.scan().plan_files()) == sorted((first.s3_uri, second.s3_uri))
    assert [snapshot.snapshot_id for snapshot in table.snapshots()] == [one.snapshot_id for one in committed]
    summary = table.snapshots()[0].summary
    assert summary is not None
    assert {name: summary[name] for name in ("ekyc-task-id", "ekyc-sha256", "ekyc-rows")} == {
        "ekyc-task-id": first.ekyc_task_id,
        "ekyc-sha256": first.sha256,
        "ekyc-rows": "3",
    }
    assert committed[0].as_dict() == {
        "iceberg_table": TABLE,
        "iceberg_snapshot_id": str(table.snapshots()[0].snapshot_id),
    }


def test_a_file_without_a_time_is_added_to_the_partition_null(catalog: Catalog, land: Land) -> None:
    dated, undated = land(0), land(1, verified_at=None)
    add(dated)
    add(undated)

    table = catalog.load_table(TABLE)
    partitions = {task.file.file_path: task.file.partition[0] for task in table.scan().plan_files()}
    since = table.scan(row_filter=f"verified_at >= '{NOON.isoformat()}'")

    assert partitions[undated.s3_uri] is None
    assert partitions[dated.s3_uri] is not None
    assert [task.file.file_path for task in since.plan_files()] == [dated.s3_uri]
    assert add(undated) == add(undated)
    assert rows_in(catalog) == expected(dated, undated)


def test_rows_that_are_in_the_table_under_another_path_are_not_added_again(catalog: Catalog, land: Land) -> None:
    landed = [land(task) for task in range(3)]
    for one in landed:
        add(one)
    table = catalog.load_table(TABLE)
    compact(table)
    assert len(list(table.scan().plan_files())) == 1

    for one in landed:
        add(one)

    assert rows_in(catalog) == expected(*landed)


def test_the_page_finds_landed_objects_that_no_snapshot_names(catalog: Catalog, land: Land) -> None:
    """One that was landed again after a compaction, and one whose commit never happened."""
    again, kept, never = land(0), land(1), land(2)
    add(again)
    table = catalog.load_table(TABLE)
    compact(table)
    table.maintenance.expire_snapshots().by_ids([one.snapshot_id for one in table.snapshots()[:-1]]).commit()
    add(kept)
    page = (Path(__file__).parents[2] / "docs" / "iceberg.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(import pyarrow\.fs\n.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    io = catalog.load_table(TABLE).io
    store = io.fs_by_scheme("s3", None)

    found = names["unnamed"](catalog.load_table(TABLE), BUCKET, store)

    assert sorted(found) == sorted(one.s3_uri.removeprefix("s3://") for one in (again, never))


def test_a_snapshot_that_has_expired_gives_way_to_the_one_in_which_the_rows_are(catalog: Catalog, land: Land) -> None:
    landed = land(0)
    first = add(landed)
    add(land(1))
    table = catalog.load_table(TABLE)
    table.maintenance.expire_snapshots().by_id(first.snapshot_id).commit()

    assert add(landed).snapshot_id == catalog.load_table(TABLE).snapshots()[-1].snapshot_id
    assert len(rows_in(catalog)) == 6


def test_another_table_of_the_catalog_is_left_alone(catalog: Catalog, land: Land) -> None:
    other = catalog.create_table(f"{NAMESPACE}.other", pyarrow.schema([pyarrow.field("name", pyarrow.string())]))
    add(land(0))

    assert other.refresh().current_snapshot() is None


# What another writer, the network and the catalog do between the look and the commit.


def test_a_commit_of_another_writer_in_between(rest: RestCatalogServer, catalog: Catalog, land: Land) -> None:
    add(land(0))
    other, landed = land(1), land(2)

    def commit_between(reply: Callable[[], bytes]) -> bytes:
        catalog.load_table(TABLE).add_files([other.s3_uri])
        return reply()

    rest.faults["commit"].append(commit_between)
    add(landed)

    assert rest.calls["commit"] == 3
    assert rows_in(catalog) == expected(land(0), other, landed)


def test_another_try_of_the_same_task_in_between(
    rest: RestCatalogServer, sql: dict[str, str], catalog: Catalog, land: Land
) -> None:
    """The repetition of pyiceberg itself adds the file a second time here: it does not look again."""
    landed = land(0)
    add(land(1))

    def add_between(reply: Callable[[], bytes]) -> bytes:
        table = catalog.load_table(TABLE)
        table.add_files([landed.s3_uri], snapshot_properties={"ekyc-task-id": landed.ekyc_task_id})
        return reply()

    rest.faults["commit"].append(add_between)
    committed = add(landed)

    assert rest.calls["commit"] == 2
    assert rows_in(catalog) == expected(landed, land(1))
    assert committed.snapshot_id == catalog.load_table(TABLE).snapshots()[-1].snapshot_id


def test_pyiceberg_alone_adds_a_file_twice_after_a_conflict(
    rest: RestCatalogServer, catalog: Catalog, land: Land
) -> None:
    """Why a commit is made once: should this fail some day, ``_CommitsOnce`` may be needed no more."""
    from pyiceberg.catalog import load_catalog

    add(land(1))
    landed = land(0)

    def add_between(reply: Callable[[], bytes]) -> bytes:
        catalog.load_table(TABLE).add_files([landed.s3_uri])
        return reply()

    rest.faults["commit"].append(add_between)
    properties = {**catalog.properties, "type": "rest", "uri": rest.url}
    table = load_catalog("alone", **properties).load_table(TABLE)
    table.add_files([landed.s3_uri])

    assert rows_in(catalog) == expected(landed, landed, land(1))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lost, id="the answer is lost"),
        pytest.param(unsent, id="the request is lost"),
        pytest.param(lambda reply: (reply(), answer("500 Internal Server Error", b"{}"))[1], id="500 after it"),
        pytest.param(lambda reply: (reply(), answer("504 Gateway Timeout", b"<html>"))[1], id="504 after it"),
        pytest.param(lambda reply: answer("503 Service Unavailable", b"{}"), id="503 without it"),
        pytest.param(lambda reply: (reply(), answer("200 OK", b"<html>sign in"))[1], id="a page after it"),
        pytest.param(lambda reply: (reply(), reply())[1], id="repeated by a proxy, which returns the conflict"),
    ],
)
def test_an_answer_that_does_not_say_what_became_of_the_commit(
    fault: Any, rest: RestCatalogServer, catalog: Catalog, land: Land
) -> None:
    landed = land(0)
    rest.faults["commit"].append(fault)

    add(landed)

    assert rows_in(catalog) == expected(landed)
    assert rest.calls["commit"] <= 2


@pytest.mark.parametrize("other", [0, 1], ids=["another try", "another task"])
def test_a_lost_request_and_another_commit_after_it(
    other: int, rest: RestCatalogServer, catalog: Catalog, land: Land
) -> None:
    landed, between = land(0), land(other)

    def commit_between(reply: Callable[[], bytes]) -> bytes:
        catalog.load_table(TABLE).add_files([between.s3_uri])
        return reply()

    rest.faults["commit"] += [unsent, commit_between]

    add(landed)

    assert rows_in(catalog) == expected(*{landed, between})


def test_a_catalog_that_is_silent_is_not_waited_for_without_end(
    rest: RestCatalogServer, catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.catalog._TIMEOUTS", (5.0, 0.5))

    def commit_and_hang(reply: Callable[[], bytes]) -> bytes:
        done = reply()
        rest.over.wait(30)
        return done

    rest.faults["commit"].append(commit_and_hang)
    add(land(0))

    assert rows_in(catalog) == expected(land(0))
    assert rest.calls["commit"] == 1


def test_a_commit_that_arrives_after_the_look(rest: RestCatalogServer, catalog: Catalog, land: Land) -> None:
    """The answer is lost, the table is looked at, and only then does the catalog do what was requested at first."""
    landed, late = land(0), []

    def keep(reply: Callable[[], bytes]) -> bytes:
        late.append(reply)
        return b""

    def do_before(reply: Callable[[], bytes]) -> bytes:
        assert b"200 OK" in late[0]()
        return reply()

    rest.faults["commit"] += [keep, do_before]
    add(landed)

    assert rest.calls["commit"] == 2
    assert rows_in(catalog) == expected(landed)


def test_two_tries_at_once(catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    landed = land(0)
    add(land(1))
    both_looked = threading.Barrier(2)
    find, looks = commit._find, threading.local()

    def find_together(*arguments: Any) -> Any:
        found = find(*arguments)
        if not getattr(looks, "done", False):
            looks.done = True
            both_looked.wait(30)
        return found

    monkeypatch.setattr(commit, "_find", find_together)
    committed = []
    threads = [
        threading.Thread(target=lambda: committed.append(WarehouseTable(TABLE, "iceberg_default").add(landed)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(committed) == 2
    assert rows_in(catalog) == expected(landed, land(1))


def test_a_table_that_two_tasks_make_at_once(rest: RestCatalogServer, catalog: Catalog, land: Land) -> None:
    rest.faults["create"].append(lambda reply: (reply(), reply())[1])
    add(land(0))

    assert rows_in(catalog) == expected(land(0))


# What can't be settled within a try.


def test_a_catalog_that_never_answers_leaves_a_retryable_error(
    rest: RestCatalogServer, catalog: Catalog, land: Land
) -> None:
    landed = land(0)
    table = WarehouseTable(TABLE, "iceberg_default")
    table.prepare(landed.ekyc_task_id, landed.s3_uri)
    rest.faults["commit"] += [lost] + [unsent] * 20
    rest.faults["load"] += [unsent] * 20

    with pytest.raises(EkycIcebergError) as caught:
        table.add(landed)

    error = caught.value
    assert (error.retryable, error.kind, error.charge) == (True, "iceberg", Charge.CERTAIN)
    assert f"The result has landed at {landed.s3_uri}; its rows may not be in the table yet." in error.message
    assert "already paid for and will not be charged again" in error.message
    assert "A retry may help and adds the rows without a download" in error.message
    rest.faults.clear()
    add(landed)
    assert rows_in(catalog) == expected(landed)


def test_other_writers_that_are_always_first(
    rest: RestCatalogServer, catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "_RETRIES", Retries(attempts=3))
    landed, others = land(0), [land(task) for task in range(1, 4)]
    table = WarehouseTable(TABLE, "iceberg_default")
    table.prepare(landed.ekyc_task_id, landed.s3_uri)

    def commit_between(reply: Callable[[], bytes]) -> bytes:
        catalog.load_table(TABLE).add_files([others.pop().s3_uri])
        return reply()

    rest.faults["commit"] += [commit_between] * 3

    with pytest.raises(EkycIcebergError, match="another writer has changed it at the same time") as caught:
        table.add(landed)

    assert caught.value.retryable
    assert ekyc_task_id(0) not in {task for task, _ in rows_in(catalog)}
    add(landed)
    assert len(rows_in(catalog)) == 4 * 3


def test_a_connection_without_a_warehouse_is_what_is_to_be_corrected(
    sql: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, **{name: value for name, value in sql.items() if name != "warehouse"})

    with pytest.raises(EkycIcebergError, match="Correct the connection's URI and its extra") as caught:
        WarehouseTable(TABLE, "iceberg_default").prepare(ekyc_task_id(0), "s3://bucket/part-0.parquet")

    assert not caught.value.retryable


def test_a_landed_object_that_was_replaced_after_it_was_added(catalog: Catalog, land: Land) -> None:
    add(land(0))
    replaced = land(0, numbers=range(300))

    with pytest.raises(EkycIcebergError, match="the object was deleted or replaced after it had been added") as caught:
        add(replaced)

    assert not caught.value.retryable


@pytest.mark.parametrize("expires", [False, True], ids=["snapshot kept", "snapshot expired"])
def test_a_key_that_the_table_names_is_no_place_for_another_remote_task(
    expires: bool, catalog: Catalog, land: Land, s3: Any
) -> None:
    """The object of a remote task was deleted, and another one is to land at its key."""
    key = "results/part-0.parquet"
    first = land(0, key=key)
    snapshot_id = add(first).snapshot_id
    if expires:
        add(land(9))
        catalog.load_table(TABLE).maintenance.expire_snapshots().by_id(snapshot_id).commit()
    before = catalog.load_table(TABLE).metadata_location
    s3.delete_object(Bucket=BUCKET, Key=key)
    table = WarehouseTable(TABLE, "iceberg_default")
    table.prepare(ekyc_task_id(0), first.s3_uri)  # its own file, which may land again

    with pytest.raises(EkycIcebergError, match="it names this s3_key as the file of another re") as before_it:
        table.prepare(ekyc_task_id(1), first.s3_uri)
    second = land(1, key=key)  # as by a try that began before the first one was added
    with pytest.raises(EkycIcebergError, match="it names this s3_key as the file of another re") as after_it:
        table.add(second)

    for error in (before_it.value, after_it.value):
        assert not error.retryable
        assert (f"({ekyc_task_id(0)})" in error.message) is not expires
        assert "A retry can't help. Use another s3_key, or delete its rows from the table first" in error.message
        assert "will not be charged again" in error.message
    assert "Nothing was downloaded by this try" in before_it.value.message
    assert catalog.load_table(TABLE).metadata_location == before


def test_a_file_without_a_row_is_of_the_remote_task_that_its_snapshot_says(catalog: Catalog, land: Land) -> None:
    key = "results/part-0.parquet"
    first = land(0, key=key, numbers=range(0))
    committed = add(first)
    table = WarehouseTable(TABLE, "iceberg_default")

    assert add(first) == committed
    with pytest.raises(EkycIcebergError, match=rf"another remote task \({ekyc_task_id(0)}\)") as caught:
        table.prepare(ekyc_task_id(1), first.s3_uri)
    assert "Use another s3_key (docs" in caught.value.message
    with pytest.raises(EkycIcebergError, match="it names this s3_key"):
        table.add(land(1, key=key, numbers=range(0)))


def test_a_file_without_a_row_whose_snapshot_has_expired_may_be_of_this_remote_task(
    catalog: Catalog, land: Land
) -> None:
    key = "results/part-0.parquet"
    first = land(0, key=key, numbers=range(0))
    snapshot_id = add(first).snapshot_id
    add(land(9))
    catalog.load_table(TABLE).maintenance.expire_snapshots().by_id(snapshot_id).commit()
    before = catalog.load_table(TABLE).metadata_location

    add(first)

    assert catalog.load_table(TABLE).metadata_location == before
    with pytest.raises(EkycIcebergError, match="it names this s3_key as the file of another result"):
        add(land(1, key=key))


def compact(table: Any) -> None:
    """Rewrite all rows into one file, as an engine's compaction does."""
    table.overwrite(table.scan().to_arrow())
