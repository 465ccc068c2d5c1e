"""
Modules that a deployment may import before it forks its tasks, so that not every task imports them by itself.

A task of this provider imports for one to three seconds of CPU. Celery's worker imports what its setting ``imports``
names (``docs/scale.md``); the scheduler, from which LocalExecutor forks its tasks, what ``airflow_local_settings.py``
imports. There it also reads once what boto and Airflow's hook of AWS read for each client.
"""

from __future__ import annotations

from pathlib import Path

IMPORTED_ONCE = (
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow_provider_ekyc.api.client",
    "airflow_provider_ekyc.numbers.prepare",
    "airflow_provider_ekyc.numbers.source",
    "airflow_provider_ekyc.results.transfer",
    "airflow_provider_ekyc.submission.s3_store",
    "airflow_provider_ekyc.submission.submitter",
    "airflow_provider_ekyc.task_groups.verify",
    "airflow_provider_ekyc.triggers.ekyc",
    "boto3",
    "pyarrow.parquet",
)

# Of a task's CPU, half went into the client of S3: boto reads megabytes of JSON for it, and Airflow's hook looks with
# ``inspect.stack`` for the operator that asks for it, which reads source files and resolves the path of each module.
_LOCAL_SETTINGS = f"""import functools
import inspect
import os
import sys
from contextlib import suppress
from importlib import import_module

__all__ = ()

if sys.argv[1:2] == ["scheduler"]:
    for name in {IMPORTED_ONCE!r}:
        with suppress(ModuleNotFoundError):  # what an environment does not have, its tasks do not need
            import_module(name)
    with suppress(ModuleNotFoundError):
        import boto3.session
        import botocore.session

        botocore.session.create_loader = functools.cache(botocore.session.create_loader)
        boto3.session.Session("made-up", "made-up", region_name="us-east-1").client("s3")
    os.register_at_fork(before=inspect.stack)
"""


def import_in_scheduler(home: Path) -> None:
    """Let the scheduler of a home import :data:`IMPORTED_ONCE` when it starts.

    :param home: the AIRFLOW_HOME
    """
    folder = home / "config"
    folder.mkdir(exist_ok=True)
    (folder / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS)
