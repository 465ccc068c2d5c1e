"""What the tasks of the example DAGs do beyond the runs of ``tests/airflow``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "example_dags"


@pytest.mark.parametrize("name", ["ekyc_recurring", "ekyc_customers_asset"])
def test_a_report_that_is_started_by_hand_has_no_events_and_succeeds(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Airflow 3 gives a mapping without an asset, and knows no datasets.
    module.report.function(triggering_asset_events={})
    assert capsys.readouterr().out == ""
