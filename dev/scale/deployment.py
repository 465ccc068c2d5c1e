"""All that a run needs: Airflow with Celery, Redis, PostgreSQL, an S3 server and the sandbox of the API."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_ekyc.sandbox import Sandbox
from dev.scale.celery_stack import CeleryStack, celery_environment
from dev.scale.environment import BUILD
from dev.scale.redis_server import RedisServer
from dev.stack.airflow_rest import AirflowRest
from dev.stack.postgres_server import PostgresServer, postgres_binary
from dev.stack.processes import Stoppable
from dev.stack.s3_server import S3Server
from dev.testing.held_clock import Clock

BUCKET = "ekyc-scale"
API_KEY = "made-up-key-of-the-scale-run"
DAGS = Path(__file__).with_name("dags")
#: Rows of a second that the sandbox works through, for each remote task by itself.
PACE = 20.0

WORKER_SUBMITTING = "worker-submitting"
REDIS = "redis"
API_SERVER = "api-server"
TRIGGERER = "triggerer"
WORKER_LANDING = "worker-landing"
#: What a run kills on the way, in this order.
KILLS = (WORKER_SUBMITTING, REDIS, API_SERVER, TRIGGERER, WORKER_LANDING)

#: The time-outs that decide how long a recovery takes, with the values that a run sets, in seconds.
TIMEOUTS = {
    # 300 by default: for how long a task may send no heartbeat.
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
    # 600 by default: for how long a task may be queued.
    "SCHEDULER__TASK_QUEUED_TIMEOUT": 90,
    # 120 by default: how often that is checked.
    "SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": 10,
}


@dataclass(frozen=True)
class Plan:
    """What is run.

    :param files: verifications at once
    :param slots: tasks that each of the two workers runs at once
    :param journal: where submissions are recorded: ``s3`` or ``variables``
    :param default_timeouts: leave Airflow's time-outs as they are
    :param kills: of :data:`KILLS`, what is killed on the way
    :param import_once: have the workers import what their tasks need when they start
    """

    files: int
    slots: int = 4
    journal: str = "s3"
    default_timeouts: bool = False
    kills: tuple[str, ...] = KILLS
    import_once: bool = True

    def settings(self) -> dict[str, str]:
        """Return the settings of Airflow that follow from it."""
        made = {} if self.default_timeouts else {f"AIRFLOW__{name}": str(value) for name, value in TIMEOUTS.items()}
        if self.journal == "s3":
            made["AIRFLOW__EKYC__JOURNAL_URI"] = f"s3://{BUCKET}/journal"
        return made


@dataclass
class Deployment(Stoppable):
    """The servers of one run, started and stopped together.

    :param plan: what is run
    :param python: interpreter of the environment whose Airflow is run
    """

    plan: Plan
    python: Path
    clock: Clock = field(default_factory=Clock)

    def start(self) -> None:
        """Start all, and wait until the workers receive tasks."""
        home, logs = BUILD / "airflow", BUILD / "processes"
        for folder in (home, logs):
            shutil.rmtree(folder, ignore_errors=True)
        logs.mkdir(parents=True)
        self._started = ExitStack()
        database = {"log_statement": "none", "max_connections": "300"}
        self.postgres = self._started.enter_context(PostgresServer(logs / "postgres.log", database))
        self.redis = self._started.enter_context(RedisServer(logs / "redis.log"))
        self.s3 = self._started.enter_context(S3Server(logs / "s3.log"))
        self.s3.create_bucket(BUCKET)
        self.sandbox = self._started.enter_context(Sandbox(API_KEY, pace=PACE, clock=self.clock))
        ekyc = {
            "conn_type": "ekyc",
            "host": self.sandbox.url,
            "password": API_KEY,
            "extra": {"result_hosts": self.sandbox.url},
        }
        env = {
            **celery_environment(self.redis, self.postgres, self.plan.slots, import_once=self.plan.import_once),
            **self.plan.settings(),
            "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(ekyc),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self.s3.connection()),
        }
        self.airflow = self._started.enter_context(CeleryStack(home, DAGS, env, logs, self.python))
        self.rest = AirflowRest(self.airflow.url, *self.airflow.login)

    def stop(self) -> None:
        """Stop all that was started."""
        started: ExitStack | None = getattr(self, "_started", None)
        if started is not None:
            started.close()

    def versions(self) -> dict[str, str]:
        """Return the versions of the servers, by name."""
        command = [str(postgres_binary("postgres")), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {"Redis": self.redis.version, "PostgreSQL": said.split()[2]}
