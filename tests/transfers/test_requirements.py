"""
What a transfer would fail for after the payment fails the submission before it.

Modules: ``operators/requirements.py``, ``transfers/requirements.py``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

Chain = Callable[..., EkycSubmitOperator]


@pytest.fixture
def chain(numbers_file: Path) -> Chain:
    """Submit, wait, land, as a DAG file has them; the transfer's arguments vary."""

    def build(*, mapped: bool = False, **transfer: Any) -> EkycSubmitOperator:
        with DAG("chain", schedule=None, start_date=datetime(2026, 1, 1)):
            submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
            wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
            if mapped:
                expanded = {"ekyc_task_id": ["d1"]} | transfer.pop("expand", {})
                land = EkycResultsToS3Operator.partial(task_id="land", s3_key="s3://b/k", **transfer).expand(**expanded)
            else:
                land = EkycResultsToS3Operator(
                    task_id="land", ekyc_task_id=submit.output, s3_key="s3://b/k", **transfer
                )
            wait >> land
        return submit

    return build


@pytest.fixture
def _no_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.mark.usefixtures("_no_pyarrow", "connections")
@pytest.mark.parametrize("mapped", [False, True])
def test_parquet_without_pyarrow_fails_before_the_submission(
    mapped: bool, chain: Chain, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    submit = chain(mapped=mapped, output_format="parquet")
    with pytest.raises(EkycFailException, match=r"no pyarrow, which task 'land' needs. Nothing was sent or charged"):
        submit.execute(context)
    assert set(sandbox.calls.values()) == {0}
    assert sandbox.bill.submissions == ()


@pytest.mark.usefixtures("connections")
def test_a_format_that_does_not_exist_fails_before_the_submission(
    chain: Chain, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    with pytest.raises(EkycFailException, match=r"output_format of task 'land' is none of zip, csv, csv.gz, parquet"):
        chain(output_format="parket").execute(context)
    assert sandbox.bill.submissions == ()


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("mapped", [False, True])
def test_a_table_for_the_default_format_fails_before_the_submission(
    mapped: bool, chain: Chain, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    with pytest.raises(
        EkycFailException, match="In task 'land': iceberg_table needs output_format='parquet', not 'zip'"
    ):
        chain(mapped=mapped, iceberg_table="ekyc.results").execute(context)
    assert sandbox.bill.submissions == ()


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("module", ["isal", "numpy", "boto3"])
def test_a_module_of_every_transfer_that_is_missing_fails_before_the_submission(
    module: str, chain: Chain, sandbox: Sandbox, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = chain()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EkycFailException, match=f"This worker has no {module}, which task 'land' needs"):
        submit.execute(context)
    assert sandbox.bill.submissions == ()


@pytest.mark.usefixtures("_no_pyarrow", "connections")
@pytest.mark.parametrize(
    "arguments",
    [
        {"output_format": "csv"},
        {"output_format": "{{ params.output_format }}"},
        {"output_format": "parquet", "queue": "with_pyarrow"},
        {"output_format": "parquet", "executor_config": {"pod_override": "image with pyarrow"}},
        {"mapped": True},
        {"mapped": True, "expand": {"output_format": ["parquet"]}},
    ],
)
def test_what_is_not_known_in_advance_does_not_stop_a_submission(
    arguments: dict[str, Any], chain: Chain, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    chain(**arguments).execute(context)
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("connections")
def test_with_pyarrow_a_submission_goes_through(chain: Chain, sandbox: Sandbox, context: dict[str, Any]) -> None:
    chain(output_format="parquet").execute(context)
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("_no_pyarrow", "connections")
def test_a_transfer_that_does_not_follow_the_submission_is_not_asked(
    numbers_file: Path, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    with DAG("apart", schedule=None, start_date=datetime(2026, 1, 1)):
        submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
        EkycResultsToS3Operator(task_id="other", ekyc_task_id="d1", s3_key="s3://b/k", output_format="parquet")
    submit.execute(context)
    assert len(sandbox.bill.submissions) == 1


def test_the_check_loads_none_of_the_modules_that_it_looks_for() -> None:
    code = """
import sys
from airflow_provider_ekyc.transfers import ekyc_to_s3
before = set(sys.modules)  # Airflow itself may load numpy
from airflow_provider_ekyc.operators import requirements as requirements_of_all
from airflow_provider_ekyc.transfers import requirements
assert not (set(sys.modules) - before) & {"pyarrow", "isal", "boto3", "numpy", "airflow.providers.amazon"}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
