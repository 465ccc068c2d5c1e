"""What is checked under one version without a scheduler: names, imports, example DAGs, the basic chain."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.connection_form import form_fields
from airflow_provider_ekyc.xcom_keys import OBJECT_LINK, PAGE_LINK, PROGRESS, RESULT, SUBMISSION, SUMMARY, UNSETTLED
from dev.stack.airflow_dag_test import DagTest
from dev.stack.compat.airflow_names import expected_places, minor_version
from dev.stack.compat.telemetry import check_telemetry
from dev.stack.compat.versions import ROOT, CompatError, Version
from dev.stack.demo_plan import write_numbers
from dev.stack.result_object import read_back
from dev.stack.s3_server import S3Server
from dev.stack.sandbox_server import SandboxServer

EXAMPLES = ROOT / "example_dags"
BUCKET = "ekyc-compat"
ROWS = 300

#: Every DAG of ``example_dags/``.
DAG_IDS = (
    "ekyc_basic",
    "ekyc_csv_files",
    "ekyc_customers_daily",
    "ekyc_customers_load",
    "ekyc_customers_report",
    "ekyc_customers_verify",
    "ekyc_daily",
    "ekyc_mapped",
    "ekyc_mapped_group",
    "ekyc_redshift",
    "ekyc_results_report",
    "ekyc_taskflow",
    "ekyc_verify_group",
    "ekyc_warehouse",
)


class VersionChecks:
    """The checks under one version.

    :param version: the version, installed
    :param s3: a running S3 server with :data:`BUCKET`
    """

    def __init__(self, version: Version, s3: S3Server) -> None:
        self._version = version
        self._s3 = s3

    def run(self) -> str:
        """Run all checks.

        :return: what was seen, in a few words
        :raises CompatError: for the first that does not hold
        """
        with SandboxServer(self._version.log("sandbox")) as sandbox:
            connections = {
                "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(sandbox.connection()),
                "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self._s3.connection()),
            }
            version = self._version
            airflow = DagTest(version.python, version.home, EXAMPLES, connections, version.folder)
            airflow.migrate()
            modules = self._names(airflow.inside("airflow_names"))
            self._connection_form(airflow.inside("connection_form"))
            self._example_dags(airflow.inside("example_dags"))
            seconds = self._basic_chain(airflow, sandbox)
            self._task_group(airflow, sandbox)
        check_telemetry(version, EXAMPLES)
        return (
            f"{modules} modules and {len(DAG_IDS)} example DAGs import, basic chain {seconds:.0f} s, billed once, task "
            f"group of three files, metrics and spans"
        )

    def _names(self, found: dict[str, Any]) -> int:
        if found["airflow"] != self._version.number:
            raise CompatError(f"Airflow {found['airflow']} is installed")
        if not Path(found["package"]).is_relative_to(self._version.folder):
            raise CompatError("the package is not the one that was installed from the wheel")
        expected = expected_places(self._version.number)
        wrong = [name for name in expected if found["places"].get(name) != expected[name]]
        if wrong or set(expected) != set(found["places"]):
            raise CompatError(f"names of Airflow that are not where the table says: {wrong}")
        if found["has_retry_policy"] is not (minor_version(self._version.number) >= (3, 3)):
            raise CompatError(f"EKYC_RETRY_POLICY is there: {found['has_retry_policy']}")
        return len(found["imported"])

    def _connection_form(self, found: dict[str, Any]) -> None:
        if not found["listed"] or found["fields"] != expected_form(self._version.number):
            raise CompatError(f"the connection form has the fields {found['fields']}")

    def _example_dags(self, found: dict[str, Any]) -> None:
        for file, error in found["errors"].items():
            raise CompatError(f"{file} is not imported: {error.strip().splitlines()[-1]}")
        if found["dags"] != sorted(DAG_IDS):
            raise CompatError(f"the DAGs are {found['dags']}")

    def _basic_chain(self, airflow: DagTest, sandbox: SandboxServer) -> float:
        numbers = self._version.folder / "numbers.txt"
        write_numbers(numbers, ROWS)
        prefix = f"{self._version.number}/{secrets.token_hex(4)}/"
        started = time.monotonic()
        conf = {"numbers": str(numbers), "s3_bucket": BUCKET, "prefix": prefix}
        run = airflow.inside("basic_chain", json.dumps(conf))
        seconds = time.monotonic() - started
        if run["state"] != "success" or set(run["tasks"].values()) != {"success"}:
            raise CompatError(
                f"the basic chain ended {run['state']} ({run['tasks']}); see {self._shown('basic_chain')}"
            )
        missing = [xcom for xcom in _shown_in_ui(self._version.number) if xcom not in run["xcoms"]]
        if missing:
            raise CompatError(f"the basic chain has no XCom {missing}")
        bill = sandbox.bill()["submissions"]
        if [int(charge["rows"]) for charge in bill] != [ROWS]:
            raise CompatError(f"the basic chain was billed {len(bill)} times")
        client = self._s3.client()
        keys = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
        if len(keys) != 1 or read_back(client, BUCKET, keys[0]).rows != ROWS:
            raise CompatError(f"the basic chain landed {len(keys)} objects, or another number of rows than were sent")
        return seconds

    def _task_group(self, airflow: DagTest, sandbox: SandboxServer) -> None:
        numbers = self._version.folder / "numbers.txt"
        before = len(sandbox.bill()["submissions"])
        conf = {"numbers": str(numbers), "s3_bucket": BUCKET, "max_rows": ROWS // 3}
        run = airflow.inside("task_group", json.dumps(conf))
        each = [(f"verify.each_file.{name}", index) for name in ("land", "submit", "wait") for index in range(3)]
        expected = [["report", -1], *map(list, each), ["verify.landed", -1], ["verify.prepare", -1]]
        if run["state"] != "success" or run["tasks"] != [[*task, "success"] for task in expected]:
            raise CompatError(f"the task group ended {run['state']} ({run['tasks']}); see {self._shown('task_group')}")
        rows = [charge["rows"] for charge in sandbox.bill()["submissions"][before:]]
        if rows != [ROWS // 3] * 3:
            raise CompatError(f"the task group paid for {rows} rows")

    def _shown(self, name: str) -> str:
        return os.path.relpath(self._version.log(name), ROOT)


def expected_form(version: str) -> list[str]:
    """Return the fields that the connection form is to have, by what Airflow's web server asks of the providers.

    :param version: of Airflow
    """
    # 3.0 asks no provider for its fields unless the FAB provider is installed (docs/compat.md).
    return [] if minor_version(version) == (3, 0) else list(form_fields())


def _shown_in_ui(version: str) -> list[list[str]]:
    """Return task and key of each XCom that the basic chain is to leave for a person.

    :param version: of Airflow
    """
    keys = {
        "submit": [SUBMISSION, SUMMARY, UNSETTLED],
        "wait": [PROGRESS, SUMMARY],
        "land": [RESULT, SUMMARY, OBJECT_LINK],
    }
    if minor_version(version) >= (3, 1):  # the first that has pages
        keys["submit"].append(PAGE_LINK)
        keys["wait"].append(PAGE_LINK)
    return [[task, key] for task in keys for key in keys[task]]
