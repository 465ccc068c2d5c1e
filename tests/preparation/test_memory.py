"""Memory that runs out while a list is prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.exceptions import Charge, EkycError
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.preparation.memory import memory_errors
from airflow_provider_ekyc.preparation.tidy import Tidier
from dev.testing.task_context import context_of


@pytest.mark.parametrize("allocate", [lambda: bytearray(1 << 60), lambda: np.empty(1 << 58)])
def test_an_allocation_that_fails_is_an_error_that_says_what_to_do(allocate: Any) -> None:
    with pytest.raises(EkycError, match="Memory ran out on this worker") as failed, memory_errors():
        allocate()
    assert (failed.value.kind, failed.value.retryable, failed.value.charge) == ("memory", True, Charge.NONE)
    assert failed.value.__cause__ is None


@pytest.mark.usefixtures("connections")
def test_one_in_the_middle_of_a_list_leaves_nothing_half(
    tmp_path: Path, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("\n".join([*numbers, "garbage", *numbers]))
    monkeypatch.setattr(Tidier, "read", lambda tidier, line: bytearray(1 << 60))
    operator = EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(tmp_path / "list.txt"), destination_uri=str(tmp_path / "ready")
    )
    with pytest.raises(EkycRetryException, match="Memory ran out"):
        operator.execute(context_of())
    assert list((tmp_path / "ready").iterdir()) == []
