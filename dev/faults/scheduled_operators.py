"""The provider's operators as the fault run's DAGs use them: armed by the run's ``conf``, otherwise as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.faults.case import Operator
from dev.faults.killing import die_after, die_at, leave_marks_in
from dev.faults.one_try import wait_less
from dev.faults.points import find_point


def _arm(context: Any, operator: Operator, *, resumed: bool = False) -> None:
    conf: dict[str, Any] = context["dag_run"].conf or {}
    wait_less()
    if conf.get("operator") != operator or context["ti"].try_number > conf["killed_tries"]:
        return
    leave_marks_in(Path(conf["marks"]))
    if conf["point"]:
        die_at(find_point(operator, conf["point"]))
    elif conf["seconds"] is not None and not resumed:
        die_after(conf["seconds"])


class FaultySubmit(EkycSubmitOperator):
    """Submits, and dies where the run's ``conf`` says."""

    def execute(self, context: Any) -> str:
        """Arm, and do as the provider does."""
        _arm(context, "submit")
        return super().execute(context)


class FaultyWait(EkycTaskSensor):
    """Waits in the triggerer, and dies where the run's ``conf`` says."""

    def execute(self, context: Any) -> Any:
        """Arm, and do as the provider does."""
        _arm(context, "wait")
        # The time-out is no template.
        self.timeout = (context["dag_run"].conf or {}).get("timeout", self.timeout)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Arm, and do as the provider does."""
        _arm(context, "wait", resumed=True)
        return super().execute_complete(context, event)


class FaultyLand(EkycResultsToS3Operator):
    """Lands, and dies where the run's ``conf`` says."""

    def execute(self, context: Any) -> str:
        """Arm, and do as the provider does."""
        _arm(context, "land")
        return super().execute(context)
