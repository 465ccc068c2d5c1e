"""Three tasks that fail, with the callback of ``docs/failures.md``. For ``airflow dags test``."""

from __future__ import annotations

import importlib
import os
import sys

from airflow.sdk import DAG

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

sys.path.append(os.environ["EKYC_TEST_MODULES"])
# The test writes it into a file of this name, since Airflow reads the source of a callback.
on_failure = importlib.import_module("documented_callback").on_failure

with DAG("ekyc_failures", schedule=None, default_args={"on_failure_callback": on_failure}):
    EkycSubmitOperator(task_id="submit", numbers=os.environ["EKYC_TEST_NUMBERS"], ekyc_conn_id="ekyc_wrong_key")
    EkycTaskSensor(task_id="wait", ekyc_task_id=os.environ["EKYC_TEST_FAILED"])
    EkycResultsToS3Operator(
        task_id="land", ekyc_task_id="dnobodyknows", s3_bucket=os.environ["EKYC_TEST_BUCKET"], s3_key="failures/key"
    )
