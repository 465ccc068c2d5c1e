"""Which task type the landed rows name: that of the submission, whatever the argument's default is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from pyarrow import parquet

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET, keys_of

pytestmark = pytest.mark.usefixtures("connections")

KEY = "results/part-0"


@pytest.fixture
def sent(numbers_file: Path) -> dict[str, Any]:
    """The second XCom of a submission of the type ``ws``."""
    context = context_of()
    EkycSubmitOperator(
        task_id="submit", numbers=str(numbers_file), task_type="ws", journal_uri=str(numbers_file.parent / "journal")
    ).execute(context)
    submission: dict[str, Any] = context["ti"].xcoms["submission"]
    return submission


def below_a_submission(ekyc_task_id: str, **arguments: Any) -> EkycResultsToS3Operator:
    """The operator below a task that submits."""
    with DAG("a_dag", schedule=None):
        submit = EkycSubmitOperator(task_id="submit", numbers="numbers.txt", task_type="ws")
        land = EkycResultsToS3Operator(
            task_id="land", ekyc_task_id=ekyc_task_id, s3_bucket=BUCKET, s3_key=KEY, **arguments
        )
        submit >> land
    return land


def landed_types(s3: Any) -> set[str]:
    content = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    return set(parquet.read_table(io.BytesIO(content)).column("task_type").to_pylist())


@pytest.mark.parametrize("given", [None, "", "None", "ws"])
def test_rows_name_the_type_of_the_submission_upstream(s3: Any, sent: dict[str, Any], given: str | None) -> None:
    ti = TaskInstance(upstream={("submit", -1): {"submission": sent}})
    land = below_a_submission(sent["ekyc_task_id"], output_format="parquet", task_type=given)
    land.execute(context_of(ti))
    assert landed_types(s3) == {"ws"}


def test_a_header_and_its_lineage_name_the_type_of_the_submission_that_is_given(
    s3: Any, sent: dict[str, Any], context: dict[str, Any]
) -> None:
    land = below_a_submission(sent["ekyc_task_id"], output_format="csv", submission=sent)
    land.execute(context)
    content = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    assert content.startswith(b"Number,ws\n")
    (output,) = land.get_openlineage_facets_on_complete(None).outputs
    assert [field.name for field in output.facets["schema"].fields] == ["Number", "ws"]


@pytest.mark.parametrize(("given", "named"), [(None, "amazon"), ("ws", "ws")])
def test_without_a_submission_the_argument_or_its_default_counts(
    s3: Any, sent: dict[str, Any], given: str | None, named: str
) -> None:
    """Upstream is a submission of another remote task, which says nothing of this one."""
    ti = TaskInstance(upstream={("submit", -1): {"submission": {**sent, "ekyc_task_id": "another-task"}}})
    land = below_a_submission(sent["ekyc_task_id"], output_format="parquet", task_type=given)
    land.execute(context_of(ti))
    assert landed_types(s3) == {named}


def test_another_type_than_the_submission_s_is_an_error_before_any_request(
    s3: Any, sandbox: Sandbox, sent: dict[str, Any]
) -> None:
    calls = dict(sandbox.calls)
    ti = TaskInstance(upstream={("submit", -1): {"submission": sent}})
    with pytest.raises(EkycFailException) as failed:
        below_a_submission(sent["ekyc_task_id"], task_type="amazon").execute(context_of(ti))
    assert failed.value.kind == "settings"
    message = str(failed.value)
    assert message.startswith("task_type is 'amazon', but the submission of this remote task is of 'ws'")
    for words in ("No request was sent", "nothing was landed", "A retry can't help", "will not be charged again"):
        assert words in message
    assert dict(sandbox.calls) == calls
    assert keys_of(s3) == []


@pytest.mark.parametrize("task_type", [None, 7, "", "two words", "ws\n"])
def test_a_submission_whose_type_is_none_is_not_what_was_pushed(
    sent: dict[str, Any], context: dict[str, Any], task_type: object
) -> None:
    land = below_a_submission(sent["ekyc_task_id"], submission={**sent, "task_type": task_type})
    with pytest.raises(EkycFailException, match="submission is not what EkycSubmitOperator pushes"):
        land.execute(context)
