"""The task group, as the DAG file is parsed: ``task_groups/verify.py`` and ``task_groups/inner_task.py``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, TaskGroup, task, task_group

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.retry_policy import EkycRetryPolicy
from airflow_provider_ekyc.task_groups.inner_task import inner_task
from airflow_provider_ekyc.task_groups.verify import VerifyNumbersGroup, verify_numbers

PLACES: dict[str, Any] = {
    "numbers": "s3://bucket/exports/",
    "destination_uri": "s3://bucket/lists/",
    "results_uri": "s3://bucket/results/",
}
IN_FILE = ["verify.each_file.submit", "verify.each_file.wait", "verify.each_file.land"]


def verified(dag_arguments: dict[str, Any] | None = None, **arguments: Any) -> VerifyNumbersGroup:
    with DAG("customers", schedule=None, **(dag_arguments or {})):
        return verify_numbers(**{**PLACES, **arguments})


def tasks_of(group: VerifyNumbersGroup) -> list[Any]:
    return [group.prepare, group.submit, group.wait, group.land, group.landed]


def test_the_graph_reads_itself() -> None:
    group = verified()
    assert [each.task_id for each in tasks_of(group)] == ["verify.prepare", *IN_FILE, "verify.landed"]
    assert group.dag.task_ids == ["verify.prepare", *IN_FILE, "verify.landed"]
    assert group.prepare.downstream_task_ids >= {"verify.each_file.submit"}
    assert group.submit.downstream_task_ids == {"verify.each_file.wait", "verify.each_file.land"}
    assert group.wait.downstream_task_ids == {"verify.each_file.land"}
    assert group.land.downstream_task_ids == {"verify.landed"}


def test_the_files_go_through_one_mapped_group() -> None:
    group = verified()
    mapped = group.submit.task_group
    assert [each.task_group for each in (group.submit, group.wait, group.land)] == [mapped] * 3
    assert mapped.group_id == "verify.each_file"
    assert [each.task_id for each in mapped.iter_mapped_dependencies()] == ["verify.prepare"]


def test_it_is_a_task_group_as_any_other() -> None:
    with DAG("customers", schedule=None), TaskGroup("nightly"):

        @task
        def load() -> None: ...

        @task
        def report(uris: list[str]) -> None: ...

        group = verify_numbers(**PLACES, group_id="amazon")
        load() >> group
        report(group.landed.output)
    assert group.prepare.task_id == "nightly.amazon.prepare"
    assert group.prepare.upstream_task_ids == {"nightly.load"}
    assert group.landed.downstream_task_ids == {"nightly.report"}
    assert "task_ids='nightly.amazon.each_file.submit'" in group.land.s3_key


def test_two_groups_of_one_dag_keep_apart() -> None:
    with DAG("customers", schedule=None) as dag:
        first = verify_numbers(**PLACES, group_id="amazon")
        second = verify_numbers(**PLACES, group_id="coinw", task_type="coinW")
    assert len(dag.task_ids) == 10
    assert (first.submit.ekyc_task_type, second.submit.ekyc_task_type) == ("amazon", "coinW")


def test_common_arguments_go_to_each_task_that_has_them() -> None:
    group = verified(
        task_type="coinW",
        ekyc_conn_id="ekyc_eu",
        aws_conn_id="aws_eu",
        numbers_conn_id="gcs",
        column="phone",
        rejects_uri="s3://bucket/rejects/{{ run_id }}.csv",
        skip_verified_within=timedelta(days=30),
        output_format="csv.gz",
        history_uri="s3://bucket/history/",
    )
    assert {each.ekyc_conn_id for each in tasks_of(group)[:4]} == {"ekyc_eu"}
    assert {each.aws_conn_id for each in (group.prepare, group.submit, group.land)} == {"aws_eu"}
    assert {each.numbers_conn_id for each in (group.prepare, group.submit, group.land)} == {"gcs"}
    assert {each.ekyc_task_type for each in (group.prepare, group.submit, group.land)} == {"coinW"}
    assert (group.prepare.numbers, group.prepare.column) == (PLACES["numbers"], "phone")
    assert group.prepare.destination_uri == PLACES["destination_uri"]
    assert group.prepare.rejects_uri == "s3://bucket/rejects/{{ run_id }}.csv"
    assert group.prepare.skip_verified_within == timedelta(days=30)
    assert group.prepare.history_uri == "s3://bucket/history/"
    assert group.land.output_format == "csv.gz"


OF_DEFAULTS = {
    "task_type": "coinW",
    "ekyc_conn_id": "ekyc_eu",
    "aws_conn_id": "aws_eu",
    "numbers_conn_id": "gcs",
    "conn_id": "crm",
    "iceberg_conn_id": "lake",
}


def connections_of(group: VerifyNumbersGroup) -> dict[str, set[Any]]:
    """Return, by argument, what those tasks have that have it."""
    return {
        name: {getattr(each, name) for each in tasks_of(group) if hasattr(each, name)}
        for name in ("ekyc_task_type", "ekyc_conn_id", "aws_conn_id", "numbers_conn_id", "conn_id", "iceberg_conn_id")
    }


def test_default_args_hold_where_the_group_is_given_no_argument() -> None:
    expected = [{value} for value in OF_DEFAULTS.values()]
    assert list(connections_of(verified(default_args=OF_DEFAULTS)).values()) == expected
    assert list(connections_of(verified({"default_args": OF_DEFAULTS})).values()) == expected
    with DAG("customers", schedule=None), TaskGroup("nightly", default_args=OF_DEFAULTS):
        assert list(connections_of(verify_numbers(**PLACES)).values()) == expected
    by_both = verified({"default_args": OF_DEFAULTS}, default_args={"task_type": "ws"})
    assert connections_of(by_both)["ekyc_task_type"] == {"ws"}


def test_an_argument_of_the_group_wins_over_default_args() -> None:
    group = verified(
        default_args=OF_DEFAULTS, task_type="amazon", ekyc_conn_id="ekyc_default", aws_conn_id=None, conn_id="other"
    )
    found = connections_of(group)
    assert (found["ekyc_task_type"], found["ekyc_conn_id"]) == ({"amazon"}, {"ekyc_default"})
    assert (found["aws_conn_id"], found["conn_id"], found["numbers_conn_id"]) == ({None}, {"other"}, {"gcs"})


def test_without_default_args_the_arguments_are_plain_text() -> None:
    found = connections_of(verified())
    assert list(found.values()) == [{"amazon"}, {"ekyc_default"}, {"aws_default"}, {None}, {None}, {"iceberg_default"}]
    assert {type(value) for values in found.values() for value in values} == {str, type(None)}


def test_a_query_goes_to_prepare() -> None:
    group = verified(numbers=None, sql="SELECT phone FROM customers", conn_id="crm")
    assert (group.prepare.numbers, group.prepare.sql, group.prepare.conn_id) == (
        None,
        "SELECT phone FROM customers",
        "crm",
    )


def test_each_tasks_own_arguments_are_reachable() -> None:
    group = verified(
        prepare={"normalise": True, "max_cost": 5, "aws_conn_id": "aws_lists", "pool": "small"},
        submit={"max_active_tis_per_dagrun": 4, "journal_uri": "s3://bucket/journal"},
        wait={"soft_fail": True, "timeout": 3600},
        land={"encrypt": True, "connections": 4},
    )
    assert (group.prepare.normalise, group.prepare.max_cost, group.prepare.pool) == (True, 5, "small")
    assert (group.prepare.aws_conn_id, group.land.aws_conn_id) == ("aws_lists", "aws_default")
    assert (group.submit.max_active_tis_per_dagrun, group.submit.journal_uri) == (4, "s3://bucket/journal")
    assert (group.wait.soft_fail, group.wait.timeout) == (True, 3600)
    assert (group.land.encrypt, group.land.connections) == (True, 4)


@pytest.mark.parametrize("name", ["prepare", "submit", "wait", "land"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"phone_column": "phone"}, "{name} has 'phone_column', which is no argument of Ekyc"),
        ({"task_id": "other"}, "{name} can't have 'task_id': the task group sets it"),
        ({"ekyc_conn_id": "other"}, "{name} can't have 'ekyc_conn_id': the task group sets it"),
        ({"dag": None}, "{name} can't have 'dag': the task group sets it"),
        (["phone"], "{name} must be a mapping of arguments of Ekyc"),
    ],
)
def test_a_wrong_or_reserved_name_is_an_error_when_the_dag_is_parsed(name: str, given: Any, said: str) -> None:
    with pytest.raises(EkycSettingsError, match=said.format(name=name)):
        verified(**{name: given})


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("prepare", "sql"),
        ("prepare", "history_uri"),
        ("submit", "numbers"),
        ("wait", "ekyc_task_id"),
        ("land", "s3_key"),
        ("land", "unmatched_key"),
        ("land", "output_format"),
    ],
)
def test_what_links_the_tasks_cannot_be_changed(name: str, argument: str) -> None:
    with pytest.raises(EkycSettingsError, match=f"{name} can't have '{argument}'"):
        verified(**{name: {argument: "other"}})


def test_a_mapped_group_around_it_is_an_error_when_the_dag_is_parsed() -> None:
    @task_group
    def each_list(numbers: Any) -> None:
        with TaskGroup("inner"):
            verify_numbers(**{**PLACES, "numbers": numbers})

    with (
        DAG("customers", schedule=None),
        pytest.raises(EkycSettingsError, match="verify_numbers can't be in a mapped task group"),
    ):
        each_list.expand(numbers=["a.txt", "b.txt"])


def test_an_unknown_argument_of_the_group_is_an_error() -> None:
    with pytest.raises(TypeError, match="numbers_list"):
        verified(numbers_list="list.txt")


def test_an_output_format_must_be_known_before_the_run() -> None:
    with pytest.raises(EkycSettingsError, match=r"must be one of: zip, csv, csv\.gz, parquet"):
        verified(output_format="{{ params.output_format }}")


@pytest.mark.parametrize(
    ("results_uri", "output_format", "ending"),
    [("s3://bucket/results/", "parquet", ".parquet"), ("s3://bucket/results", "csv.gz", ".csv.gz")],
)
def test_the_key_has_the_day_and_the_remote_id(results_uri: str, output_format: str, ending: str) -> None:
    group = verified(results_uri=results_uri, output_format=output_format, unmatched_uri="s3://bucket/unmatched")
    remote_id = "{{ ti.xcom_pull(task_ids='verify.each_file.submit', map_indexes=ti.map_index) }}"
    day = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"
    assert group.land.s3_key == f"s3://bucket/results/dt={day}/{remote_id}{ending}"
    assert group.land.unmatched_key == f"s3://bucket/unmatched/{remote_id}.txt"
    assert verified().land.unmatched_key is None


def test_freshness_reads_what_the_group_lands_unless_a_history_is_named() -> None:
    window = timedelta(days=30)
    assert verified().prepare.history_uri is None
    assert verified(skip_verified_within=window).prepare.history_uri == PLACES["results_uri"]
    lands_in_table = verified(skip_verified_within=window, iceberg_table="ekyc.results", iceberg_conn_id="glue")
    assert (lands_in_table.prepare.history_uri, lands_in_table.prepare.history_table) == (None, "ekyc.results")
    assert (lands_in_table.land.iceberg_table, lands_in_table.land.iceberg_conn_id) == ("ekyc.results", "glue")
    assert lands_in_table.prepare.iceberg_conn_id == "glue"
    named = verified(skip_verified_within=window, history_table="ekyc.results").prepare
    assert (named.history_uri, named.history_table) == (None, "ekyc.results")


@pytest.mark.parametrize(
    "results_uri",
    [
        "s3://bucket/results/{{ ds }}/",
        "s3://bucket/results/{{ds_nodash}}/",
        "s3://bucket/{{ run_id }}/results/",
        "s3://bucket/{{ (dag_run.logical_date or dag_run.run_after) | ds }}/",
        "s3://bucket/{{ data_interval_start.strftime('%Y') }}/",
        "s3://bucket/{{ partition_key }}/",
        "s3://bucket/{{ partition_date.strftime('%Y') }}/",
        "s3://bucket/{{ yesterday_ds }}/",
        "s3://bucket/{{ next_ds_nodash }}/",
        "s3://bucket/{{ prev_data_interval_end_success }}/",
        "s3://bucket/{{ triggering_asset_events }}/",
        "s3://bucket/{{ task_instance_key_str }}/",
        "s3://bucket/{{ macros.datetime.now().strftime('%Y-%m-%d') }}/",
        "s3://bucket/{{ macros.time.time() }}/",
        "s3://bucket/{{ macros.uuid.uuid4() }}/",
        "s3://bucket/{{ macros.random() }}/",
        "s3://bucket/{{ '{}'.format(ds) }}/",
        "s3://bucket/{{ params.prefix }}/{{\n{'day': ds}['day'] }}/",
        "s3://bucket/{% if params.dated %}{% set day = '{}'.format(ts) %}{{ day }}{% endif %}/",
        "s3://bucket/{{ run_after }}/",
        "s3://bucket/{{ dag.dag_id }}/{{ start_date }}/",
    ],
)
def test_a_history_that_no_later_run_would_find_is_an_error_when_the_dag_is_parsed(results_uri: str) -> None:
    window = timedelta(days=30)
    with pytest.raises(EkycSettingsError, match="is another one in each run"):
        verified(results_uri=results_uri, skip_verified_within=window)
    assert verified(results_uri=results_uri).land.s3_key.startswith(results_uri)
    named = verified(results_uri=results_uri, skip_verified_within=window, history_uri="s3://bucket/results/")
    assert named.prepare.history_uri == "s3://bucket/results/"


def test_a_place_that_is_the_same_in_each_run_may_be_a_template() -> None:
    results_uri = (
        "s3://{{ params.s3_bucket }}/{{ var.value.tds }}/{{ '{}'.format(params.team) }}/ds/{{ dag.start_date.year }}/"
        "start_date/"
    )
    group = verified(results_uri=results_uri, skip_verified_within=timedelta(days=30))
    assert group.prepare.history_uri == results_uri


def test_freshness_and_a_table_need_parquet() -> None:
    with pytest.raises(EkycSettingsError, match="skip_verified_within of verify_numbers reads Parquet files"):
        verified(output_format="csv", skip_verified_within=timedelta(days=30))
    with pytest.raises(EkycSettingsError, match="iceberg_table of verify_numbers needs output_format='parquet'"):
        verified(output_format="zip", iceberg_table="ekyc.results")
    assert verified(output_format="csv", skip_verified_within=timedelta(days=30), history_table="ekyc.results")


def test_tasks_are_retried_as_in_the_examples() -> None:
    for each in tasks_of(verified()):
        assert (each.retries, each.retry_delay) == (2, timedelta(minutes=1))
        assert type(each.retry_policy) is EkycRetryPolicy


def test_retries_of_the_dag_of_a_group_around_it_and_of_a_task_win() -> None:
    by_dag = verified({"default_args": {"retries": 7}})
    assert [each.retries for each in tasks_of(by_dag)] == [7] * 5
    assert by_dag.prepare.retry_delay == timedelta(minutes=1)
    assert verified(default_args={"retries": 0}, submit={"retries": 5}).submit.retries == 5
    assert verified(default_args={"retries": 0}).submit.retries == 0
    with DAG("customers", schedule=None), TaskGroup("nightly", default_args={"retries": 6}):
        assert verify_numbers(**PLACES).land.retries == 6


def test_an_asset_is_emitted_once_and_not_by_each_file() -> None:
    group = verified(outlets=[Asset("customers_verified")])
    assert [each.name for each in group.landed.outlets] == ["customers_verified"]
    assert not group.land.outlets


def test_the_dag_is_stored_and_read_as_the_scheduler_does() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = verified().dag
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert stored.task_ids == dag.task_ids
    assert stored.task_group.get_task_group_dict()["verify.each_file"].is_mapped


def test_an_argument_that_a_class_does_not_have_is_left_out_of_the_defaults() -> None:
    from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor

    with DAG("customers", schedule=None):
        made = inner_task(EkycTaskSensor, None, {"aws_conn_id": "aws_default"}, task_id="wait", ekyc_task_id="d1")
    assert made.task_id == "wait"


def test_the_five_lines_of_the_page_are_a_dag() -> None:
    page = (Path(__file__).parents[2] / "docs" / "task_group.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # the page's own lines
    (dag,) = (each for each in names.values() if isinstance(each, DAG))
    assert dag.task_ids == ["verify.prepare", *IN_FILE, "verify.landed"]
