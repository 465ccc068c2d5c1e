"""What is checked under one version without a scheduler: names, imports, example DAGs, the basic chain."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

from stack.airflow_settings import airflow_environment
from stack.compat.airflow_names import expected_places, minor_version
from stack.compat.versions import ROOT, CompatError, Version
from stack.demo_plan import write_numbers
from stack.result_object import read_back
from stack.s3_server import REGION, S3Server
from stack.sandbox_server import SandboxServer

EXAMPLES = ROOT / "example_dags"
INSIDE = Path(__file__).with_name("inside.py")
BUCKET = "ekyc-compat"
ROWS = 300
TIMEOUT = 300.0

#: Every DAG of ``example_dags/``.
DAG_IDS = (
    "ekyc_basic",
    "ekyc_daily",
    "ekyc_mapped",
    "ekyc_mapped_group",
    "ekyc_redshift",
    "ekyc_results_report",
    "ekyc_taskflow",
    "ekyc_warehouse",
)


def aws_connection(s3: S3Server) -> str:
    """Describe an S3 server as an Airflow connection.

    :param s3: the server
    :return: the connection as JSON
    """
    return json.dumps(
        {
            "conn_type": "aws",
            "login": s3.access_key,
            "password": s3.secret_key,
            "extra": {"region_name": REGION, "endpoint_url": s3.endpoint_url},
        }
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
        self._version.home.mkdir(exist_ok=True, mode=0o700)
        with SandboxServer(self._version.log("sandbox")) as sandbox:
            connections = {
                "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(sandbox.connection()),
                "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(self._s3),
            }
            env = airflow_environment(self._version.home, EXAMPLES, 1, {**self._version.environment, **connections})
            self._command("migrate", ["-m", "airflow", "db", "migrate"], env)
            modules = self._names(env)
            self._example_dags(env)
            seconds = self._basic_chain(env, sandbox)
        return f"{modules} modules and {len(DAG_IDS)} example DAGs import, basic chain {seconds:.0f} s, billed once"

    def _names(self, env: dict[str, str]) -> int:
        found = self._inside("airflow_names", env)
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

    def _example_dags(self, env: dict[str, str]) -> None:
        found = self._inside("example_dags", env)
        for file, error in found["errors"].items():
            raise CompatError(f"{file} is not imported: {error.strip().splitlines()[-1]}")
        if found["dags"] != sorted(DAG_IDS):
            raise CompatError(f"the DAGs are {found['dags']}")

    def _basic_chain(self, env: dict[str, str], sandbox: SandboxServer) -> float:
        numbers = self._version.folder / "numbers.txt"
        write_numbers(numbers, ROWS)
        prefix = f"{self._version.number}/{secrets.token_hex(4)}/"
        started = time.monotonic()
        conf = {"numbers": str(numbers), "s3_bucket": BUCKET, "prefix": prefix}
        run = self._inside("basic_chain", env, json.dumps(conf))
        seconds = time.monotonic() - started
        if run["state"] != "success" or set(run["tasks"].values()) != {"success"}:
            raise CompatError(
                f"the basic chain ended {run['state']} ({run['tasks']}); see {self._shown('basic_chain')}"
            )
        bill = sandbox.bill()["submissions"]
        if [int(charge["rows"]) for charge in bill] != [ROWS]:
            raise CompatError(f"the basic chain was billed {len(bill)} times")
        client = self._s3.client()
        keys = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
        if len(keys) != 1 or read_back(client, BUCKET, keys[0]).rows != ROWS:
            raise CompatError(f"the basic chain landed {len(keys)} objects, or another number of rows than were sent")
        return seconds

    def _inside(self, task: str, env: dict[str, str], text: str = "") -> dict[str, Any]:
        report = self._version.folder / f"{task}.json"
        report.unlink(missing_ok=True)
        # -P: the folder of inside.py must not shadow what is installed.
        self._command(task, ["-P", str(INSIDE), task, str(report)], env, text)
        return dict(json.loads(report.read_text()))

    def _command(self, name: str, arguments: list[str], env: dict[str, str], text: str = "") -> None:
        with self._version.log(name).open("wb") as log:
            done = subprocess.run(
                [str(self._version.python), *arguments],
                env=env,
                cwd=self._version.home,
                input=text.encode(),
                stdout=log,
                stderr=log,
                timeout=TIMEOUT,
                check=False,
            )
        if done.returncode:
            raise CompatError(f"{name} ended with exit code {done.returncode}; see {self._shown(name)}")

    def _shown(self, name: str) -> str:
        return os.path.relpath(self._version.log(name), ROOT)
