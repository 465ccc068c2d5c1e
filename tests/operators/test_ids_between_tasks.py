"""The id that submit returns reaches sensor and transfer, whatever the answer and a template made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from jinja2.nativetypes import NativeEnvironment

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.task_context import context_of
from tests.api.test_task_ids import LazySequence
from tests.conftest import BUCKET, keys_of
from tests.sensors.test_sensor_modes import MODES, wait

pytestmark = pytest.mark.usefixtures("connections")


def natively(value: object) -> Any:
    """Render a template that is nothing but this value, as ``render_template_as_native_obj=True`` does."""
    return NativeEnvironment().from_string("{{ value }}").render(value=value)


FORMS: dict[str, Callable[[str], Any]] = {
    "as it is": lambda one: one,
    "rendered natively": natively,
    "rendered natively, in a list": lambda one: natively([one]),
    "rendered as text, in a list": lambda one: str([one]),
    "an XCom of a mapped task": lambda one: LazySequence(one),
    "the same, rendered natively": lambda one: LazySequence(natively(one)),
}


@pytest.fixture
def numbers_file(tmp_path: Path) -> str:
    path = tmp_path / "numbers.txt"
    path.write_text("".join(f"+999{index:010d}\n" for index in range(200)))
    return str(path)


def context() -> Any:
    return context_of()


def submit(numbers_file: str) -> str:
    ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=numbers_file).execute(context())
    assert isinstance(ekyc_task_id, str)
    return ekyc_task_id


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_an_id_of_digits_is_waited_for_and_landed(
    sandbox: Sandbox, s3: Any, numbers_file: str, form: Callable[[str], Any], mode: str
) -> None:
    sandbox.fault("submit", "numeric_id")
    ekyc_task_id = submit(numbers_file)
    assert ekyc_task_id.isdecimal()
    assert wait(mode, form(ekyc_task_id))["ekyc_task_id"] == ekyc_task_id
    EkycResultsToS3Operator(task_id="land", ekyc_task_id=form(ekyc_task_id), s3_bucket=BUCKET, s3_key="a.zip").execute(
        context()
    )
    assert keys_of(s3) == ["a.zip"]
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    "kind",
    [
        "wrapped",
        "camel_case_id",
        "numeric_id",
        "id_in_location",
        "trailing_bytes",
        "without_last_chunk",
        "without_last_byte",
        "other_status",
        "without_counts",
    ],
)
def test_what_submit_accepts_is_waited_for_and_landed(sandbox: Sandbox, s3: Any, numbers_file: str, kind: str) -> None:
    sandbox.fault("submit", kind)
    ekyc_task_id = submit(numbers_file)
    assert [task.task_id for task in sandbox.tasks] == [ekyc_task_id]
    assert wait("poke", ekyc_task_id)["status"] == "exported"
    EkycResultsToS3Operator(task_id="land", ekyc_task_id=ekyc_task_id, s3_bucket=BUCKET, s3_key="a.zip").execute(
        context()
    )
    assert keys_of(s3) == ["a.zip"]
    assert (sandbox.calls["submit"], len(sandbox.bill.submissions)) == (1, 1)


@pytest.mark.parametrize("several", [["a-1", "b-2"], LazySequence("a-1", "b-2"), "['a-1', 'b-2']"])
def test_several_ids_are_a_clear_error_and_cost_nothing(sandbox: Sandbox, several: Sequence[str]) -> None:
    for task in (
        EkycTaskSensor(task_id="wait", ekyc_task_id=several, deferrable=False),  # type: ignore[arg-type]
        EkycTaskSensor(task_id="wait", ekyc_task_id=several),  # type: ignore[arg-type]
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=several, s3_bucket=BUCKET, s3_key="a.zip"),  # type: ignore[arg-type]
    ):
        with pytest.raises(EkycFailException, match="several ids, but one is needed: map the task"):
            task.execute(context())
    assert sum(sandbox.calls.values()) == 0


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/"])
def test_a_base_url_with_v1_is_the_same_api(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, numbers_file: str, path: str
) -> None:
    connection = {"conn_type": "ekyc", "host": sandbox.url + path, "password": sandbox.api_key}
    monkeypatch.setenv("AIRFLOW_CONN_EKYC_DEFAULT", json.dumps(connection))
    ekyc_task_id = submit(numbers_file)
    for mode in MODES:
        assert wait(mode, ekyc_task_id)["status"] == "exported"
    assert sandbox.calls["other"] == 0
