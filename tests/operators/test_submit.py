"""EkycSubmitOperator against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("connections")


def test_it_submits_once_and_tells_ids_and_counts(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    ekyc_task_id = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(context)
    assert [task.task_id for task in sandbox.tasks] == [ekyc_task_id]
    assert len(sandbox.bill.submissions) == 1
    submission = context["ti"].xcoms["submission"]
    assert submission["ekyc_task_id"] == ekyc_task_id
    assert (submission["lines_read"], submission["rows"], submission["total"]) == (200, 200, 200)
