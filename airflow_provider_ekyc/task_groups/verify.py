"""A task group for the whole chain: prepare a list; submit, wait for and land each of its files by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_sdk import TaskGroup, task_group
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.task_groups.inner_task import inner_task
from airflow_provider_ekyc.task_groups.landed import LandedFilesOperator
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath, XComArg

#: As in the example DAGs: only what may succeed later is retried, and nothing is paid twice by it.
RETRIES: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(minutes=1), "retry_policy": EKYC_RETRY_POLICY}

#: End of an object's key, by output format: Athena recognizes compressed text by it.
_ENDINGS = {"zip": ".zip", "csv": ".csv", "csv.gz": ".csv.gz", "parquet": ".parquet"}

# A run that is started by hand has no logical date; Airflow 2.11 has no run_after.
_DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"


#: What a template names that differs from run to run, between its outer braces: a string in it may have braces, too.
_OF_ONE_RUN = re.compile(
    r"\{[{%](?:(?!\}\}|%\}).)*?\b((prev_|next_|yesterday_|tomorrow_)?ds(_nodash)?|ts\w*|run_id|dag_run|logical_date|"
    r"((prev|next)_)?execution_date\w*|(prev_)?data_interval_\w+|prev_(start|end)_date_success|"
    r"partition_(key|date)|triggering_\w+|ti|task_instance\w*|run_after|(?<!\bdag\.)start_date|"
    r"macros\s*\.\s*(datetime|time|uuid|random))\b",
    re.DOTALL,
)


class _Default(str):
    """A default of :func:`verify_numbers`, which ``default_args`` replace. What the user gives is no such text."""


class VerifyNumbersGroup(TaskGroup):
    """
    The task group that :func:`verify_numbers` returns.

    It is a task group as any other: ``before >> group >> after``. ``group.landed.output`` is the list of the S3 URIs
    of what has landed, ``group.landed.output["total"]`` its counts, ``group.prepare.output["preparation"]`` those of
    the preparation.
    """

    #: Runs once; its output is the list of files.
    prepare: EkycPrepareNumbersOperator
    #: ``each_file.submit``, mapped; its output is a file's remote id.
    submit: EkycSubmitOperator
    #: ``each_file.wait``, mapped; its output is the summary of the wait for a file.
    wait: EkycTaskSensor
    #: ``each_file.land``, mapped; its output is the S3 URI of a file's result.
    land: EkycResultsToS3Operator
    #: Runs once, after all files; its output is the list of all S3 URIs.
    landed: LandedFilesOperator


def verify_numbers(
    *,
    numbers: str | PathLike[str] | ObjectStoragePath | list[Any] | XComArg | None = None,
    sql: str | XComArg | None = None,
    conn_id: str | None = None,
    column: str | int | None = None,
    destination_uri: str,
    results_uri: str,
    task_type: str = _Default("amazon"),
    skip_verified_within: timedelta | float | str | Mapping[str, Any] | None = None,
    history_uri: str | None = None,
    history_table: str | None = None,
    output_format: str = "parquet",
    iceberg_table: str | None = None,
    iceberg_conn_id: str = _Default("iceberg_default"),
    rejects_uri: str | None = None,
    unmatched_uri: str | None = None,
    ekyc_conn_id: str = _Default(EkycHook.default_conn_name),
    aws_conn_id: str | None = _Default("aws_default"),
    numbers_conn_id: str | None = None,
    outlets: Sequence[Any] = (),
    group_id: str = "verify",
    default_args: Mapping[str, Any] | None = None,
    prepare: Mapping[str, Any] | None = None,
    submit: Mapping[str, Any] | None = None,
    wait: Mapping[str, Any] | None = None,
    land: Mapping[str, Any] | None = None,
) -> VerifyNumbersGroup:
    """
    Make a task group that verifies a list: ``prepare``; for each of its files ``submit``, ``wait`` and ``land``; at the
    end ``landed``, which has the list of what has landed.

    .. code-block:: python

        with DAG("customers", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
            verify_numbers(
                sql="SELECT phone FROM customers",
                conn_id="postgres_default",
                destination_uri="s3://my-bucket/lists/",
                results_uri="s3://my-bucket/results/",
                skip_verified_within=timedelta(days=30),
            )

    The files go through the group one by one: where the outcome of one submission is unknown, or one result can't be
    landed, the others are waited for and landed all the same, and the run fails in the end. A run with nothing to
    verify succeeds: what is after ``prepare`` is skipped, in the group and, unless their ``trigger_rule`` says
    otherwise, after it.

    Each result is landed as ``<results_uri>dt=<date of the run>/<remote id>.<format>``. The remote id of a file is the
    same in each try, also where the list of files has changed.

    Tasks are retried twice, after a minute or when the server asks (Airflow 3.3 and later), unless ``default_args`` of
    the DAG, of a group around this one or of this group say otherwise. What is already paid for is not submitted
    again.

    :param numbers: the list: one or several paths or addresses, a glob, or a prefix that ends in ``/`` (templated)
    :param sql: the query that gives the list instead (templated)
    :param conn_id: Airflow connection of the database to run ``sql`` in (templated)
    :param column: the list's column of numbers, by name or position (templated)
    :param destination_uri: where the prepared files go: personal data, kept until the results have landed (templated)
    :param results_uri: where the results go: ``s3://bucket/prefix/``, the same in each run (templated)
    :param task_type: what to verify (templated)
    :param skip_verified_within: leave out numbers whose landed result is younger: for all answers, or a mapping for
        ``yes``, ``no`` and ``unknown`` (templated)
    :param history_uri: prefix of the landed Parquet files that tell how old a result is. By default
        ``history_table``, else ``iceberg_table``, else ``results_uri`` (templated)
    :param history_table: Iceberg table to read instead of ``history_uri`` (templated)
    :param output_format: ``parquet`` (default), ``csv``, ``csv.gz`` or ``zip``; not a template
    :param iceberg_table: Iceberg table to which each landed file is added (templated)
    :param iceberg_conn_id: Airflow connection of the table's catalog (templated)
    :param rejects_uri: where the rows go that ``prepare`` rejects, with line and reason (templated)
    :param unmatched_uri: prefix for the numbers that were sent and are not in the result: one object per file,
        ``<remote id>.txt`` (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc`` (templated)
    :param aws_conn_id: Airflow connection for S3; ``prepare``, ``submit`` and ``land`` may each name another
        (templated)
    :param numbers_conn_id: Airflow connection for the list and the prepared files at any other URI; ``prepare``,
        ``submit`` and ``land`` may each name another (templated)
    :param outlets: assets (in Airflow 2.11 datasets) of which ``landed`` emits an event, one per run, with the counts
        of all files as its extra
    :param group_id: the group's name, before the names of its tasks
    :param default_args: default arguments of the tasks, such as ``retries``, ``pool``, ``queue``. ``task_type`` and the
        connections among them, or among those of the DAG or of a group around this one, hold where they are not
        arguments of this function
    :param prepare: further arguments of :class:`~airflow_provider_ekyc.operators.prepare.EkycPrepareNumbersOperator`
    :param submit: further arguments of :class:`~airflow_provider_ekyc.operators.ekyc.EkycSubmitOperator`
    :param wait: further arguments of :class:`~airflow_provider_ekyc.sensors.ekyc.EkycTaskSensor`
    :param land: further arguments of :class:`~airflow_provider_ekyc.transfers.ekyc_to_s3.EkycResultsToS3Operator`
    :return: the group
    :raises EkycSettingsError: when the DAG is parsed, if an argument has a wrong name, is one that the group sets
        itself, is an unknown ``output_format``, or would keep ``skip_verified_within`` from finding earlier results;
        or if the group is in a mapped one
    """
    if output_format not in _ENDINGS:
        raise EkycSettingsError(f"output_format of verify_numbers must be one of: {', '.join(_ENDINGS)}.")
    if iceberg_table is not None and output_format != "parquet":
        raise EkycSettingsError("iceberg_table of verify_numbers needs output_format='parquet'.")
    if skip_verified_within is not None and history_uri is None and history_table is None:
        history_table = iceberg_table
        history_uri = None if iceberg_table is not None else _history_in(results_uri, output_format)

    own_defaults: Any = dict(default_args or {})
    group = VerifyNumbersGroup(group_id, default_args=own_defaults)
    if next(group.iter_mapped_task_groups(), None) is not None:
        raise EkycSettingsError(
            "verify_numbers can't be in a mapped task group, because Airflow does not map its files once more. Give it "
            "all lists at once (numbers takes several), or call it once for each list when the DAG is parsed."
        )
    of_dag = getattr(group.dag, "default_args", None) or {}
    for name, value in RETRIES.items():
        if name not in of_dag:
            group.default_args.setdefault(name, value)

    def given(name: str, value: str | None) -> Any:
        """Return an argument as the user gives it: to this function, or else among the default arguments."""
        if isinstance(value, _Default) or (value is None and name != "aws_conn_id"):
            value = {**of_dag, **group.default_args}.get(name, value)
        return str(value) if isinstance(value, _Default) else value

    ekyc_conn_id, iceberg_conn_id = given("ekyc_conn_id", ekyc_conn_id), given("iceberg_conn_id", iceberg_conn_id)
    everywhere = {"task_type": given("task_type", task_type), "ekyc_conn_id": ekyc_conn_id}
    connections = {
        "aws_conn_id": given("aws_conn_id", aws_conn_id),
        "numbers_conn_id": given("numbers_conn_id", numbers_conn_id),
    }
    with group:
        group.prepare = inner_task(
            EkycPrepareNumbersOperator,
            prepare,
            connections,
            task_id="prepare",
            numbers=numbers,
            sql=sql,
            conn_id=given("conn_id", conn_id),
            column=column,
            destination_uri=destination_uri,
            rejects_uri=rejects_uri,
            skip_verified_within=skip_verified_within,
            history_uri=history_uri,
            history_table=history_table,
            iceberg_conn_id=iceberg_conn_id,
            **everywhere,
        )

        @task_group(group_id="each_file", tooltip="Submit, wait for and land one file")
        def each_file(numbers: Any) -> None:
            group.submit = inner_task(
                EkycSubmitOperator, submit, connections, task_id="submit", numbers=numbers, **everywhere
            )
            ekyc_task_id = group.submit.output
            group.wait = inner_task(
                EkycTaskSensor, wait, {}, task_id="wait", ekyc_task_id=ekyc_task_id, ekyc_conn_id=ekyc_conn_id
            )
            # Not the map index: a file that is added to the list would move those of the others.
            name = f"{{{{ ti.xcom_pull(task_ids='{group.submit.task_id}', map_indexes=ti.map_index) }}}}"
            group.land = inner_task(
                EkycResultsToS3Operator,
                land,
                connections,
                task_id="land",
                ekyc_task_id=ekyc_task_id,
                numbers=numbers,
                s3_bucket=None,
                s3_key=f"{_prefix(results_uri)}dt={_DAY}/{name}{_ENDINGS[output_format]}",
                unmatched_key=unmatched_uri and f"{_prefix(unmatched_uri)}{name}.txt",
                output_format=output_format,
                iceberg_table=iceberg_table,
                iceberg_conn_id=iceberg_conn_id,
                **everywhere,
            )
            group.wait >> group.land

        mapped = each_file.expand(numbers=group.prepare.output)
        group.landed = LandedFilesOperator(
            task_id="landed",
            files_from=group.prepare.task_id,
            landed_by=group.land.task_id,
            outlets=list(outlets),
            # Also where a file was skipped (soft_fail of the sensor), but not where one has failed.
            trigger_rule="none_failed_min_one_success",
        )
        mapped >> group.landed
    return group


def _history_in(results_uri: str, output_format: str) -> str:
    """
    Return the place of the results as that of the history.

    :raises EkycSettingsError: if a run would not find there what earlier ones have landed, and pay for it again
    """
    if output_format != "parquet":
        raise EkycSettingsError(
            f"skip_verified_within of verify_numbers reads Parquet files, and output_format is {output_format!r}. Land "
            f"'parquet', or name a history_uri or a history_table."
        )
    if _OF_ONE_RUN.search(results_uri):
        raise EkycSettingsError(
            "results_uri of verify_numbers is another one in each run, so that skip_verified_within would not find "
            "what earlier runs have landed. Leave the date out of it, since each key has its own dt=, or name a "
            "history_uri or a history_table."
        )
    return results_uri


def _prefix(uri: str) -> str:
    return uri if uri.endswith("/") else f"{uri}/"
