"""The same list in both iterations of a looped task group (Airflow 3.4 and later): two submissions."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task_group

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator

with DAG("compat_loop", schedule=None, params={"numbers": Param("/data/numbers.txt", type="string")}):

    @task_group
    def again() -> None:
        """Submit."""
        EkycSubmitOperator(task_id="submit", numbers="{{ params.numbers }}")

    again.loop(max_iterations=2)  # type: ignore[attr-defined]  # Airflow 3.3 has none
