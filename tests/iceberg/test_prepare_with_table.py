"""EkycPrepareNumbersOperator with an Iceberg table as the history: ``preparation/verified_before.py``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import Catalog

from airflow_provider_ekyc.iceberg.commit import WarehouseTable
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from tests.iceberg.conftest import TABLE, Land


@pytest.mark.usefixtures("connections")
def test_numbers_with_a_young_result_in_the_table_are_left_out(
    catalog: Catalog, land: Land, tmp_path: Path, numbers: list[str], numbers_file: Path, context: dict[str, Any]
) -> None:
    table = WarehouseTable(TABLE, "iceberg_default")
    for task, (age, fresh) in enumerate(((timedelta(days=1), range(60)), (timedelta(days=99), range(60, 70)))):
        table.prepare("any", "s3://nowhere/else")
        table.add(land(task, verified_at=datetime.now(UTC) - age, numbers=fresh))
    (uri,) = EkycPrepareNumbersOperator(
        task_id="prepare",
        numbers=numbers_file,
        destination_uri=tmp_path / "ready",
        skip_verified_within=timedelta(days=30),
        history_table=TABLE,
    ).execute(context)
    preparation = context["ti"].xcoms["preparation"]
    # A third of the answers that land() makes are unknown, which count as long as the others here.
    assert (preparation["fresh"], preparation["to_send"]) == (60, 140)
    assert Path(uri).read_text().splitlines() == numbers[60:]
