"""
Connections and Variables where a secrets backend is set up, by Airflow's own ``LocalFilesystemBackend``.

Airflow's own code looks them up, as in a worker; its database, behind the supervisor, is ``dev.testing.supervisor``'s.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk import Variable
from airflow.sdk.configuration import clear_secrets_backends_cache
from airflow.sdk.execution_time import task_runner

from airflow_provider_ekyc.airflow_sdk import AirflowException
from airflow_provider_ekyc.exceptions import EkycNoConnectionError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.variable_store import PREFIX
from dev.testing.supervisor import Supervisor
from tests.conftest import API_KEY
from tests.submission.submit_job import Job

BACKEND = "airflow.secrets.local_filesystem.LocalFilesystemBackend"


class Backend:
    """The files of the backend."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.connections, self.variables = folder / "connections.json", folder / "variables.json"
        self._sandbox = sandbox
        self.set_key(API_KEY)
        self.variables.write_text("{}")

    def set_key(self, key: str) -> None:
        """Write the connection with another key."""
        connection = {
            "conn_type": "ekyc",
            "host": self._sandbox.url,
            "password": key,
            "extra": {"result_hosts": self._sandbox.url},
        }
        self.connections.write_text(json.dumps({"ekyc_default": connection}))


@pytest.fixture(params=["secrets", "workers"])
def backend(
    request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    """A backend of the deployment, or one of its workers alone; the connection is nowhere else."""
    files = Backend(tmp_path, sandbox)
    names = {"secrets": ("SECRETS__BACKEND", "SECRETS__BACKEND_KWARGS")}
    name, arguments = names.get(request.param, ("WORKERS__SECRETS_BACKEND", "WORKERS__SECRETS_BACKEND_KWARGS"))
    paths = {"connections_file_path": str(files.connections), "variables_file_path": str(files.variables)}
    monkeypatch.setenv(f"AIRFLOW__{name}", BACKEND)
    monkeypatch.setenv(f"AIRFLOW__{arguments}", json.dumps(paths))
    monkeypatch.delenv("AIRFLOW_CONN_EKYC_DEFAULT", raising=False)
    clear_secrets_backends_cache()
    yield files
    clear_secrets_backends_cache()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The Variables in Airflow's database, by their keys, behind Airflow's own ``Variable``."""
    texts: dict[str, str] = {}
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(texts), raising=False)
    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", Variable)
    return texts


@pytest.fixture
def job(numbers_file: Path, tmp_path: Path) -> Job:
    return Job("variables", numbers_file, tmp_path)


@pytest.mark.usefixtures("database")
def test_a_worker_and_a_triggerer_read_the_connection_and_a_rotated_key_without_a_restart(backend: Backend) -> None:
    assert EkycHook().settings.api_key == API_KEY
    assert asyncio.run(EkycHook().async_settings()).api_key == API_KEY
    backend.set_key("made-up-rotated-key")
    assert EkycHook().settings.api_key == "made-up-rotated-key"
    assert asyncio.run(EkycHook().async_settings()).api_key == "made-up-rotated-key"


@pytest.mark.usefixtures("database")
def test_a_backend_that_can_not_be_read_is_a_missing_connection(backend: Backend) -> None:
    backend.connections.write_text("no JSON")
    with pytest.raises(EkycNoConnectionError, match="or could not read it just now") as failed:
        _ = EkycHook().settings
    assert failed.value.retryable


def test_records_are_written_to_airflows_database_and_found_again_there(
    backend: Backend, database: dict[str, str], job: Job, sandbox: Sandbox
) -> None:
    backend.variables.write_text(json.dumps({"a_variable_of_the_team": "made up"}))
    ekyc_task_id = job.submit()
    job.clear()
    assert job.submit() == ekyc_task_id
    assert len(sandbox.bill.submissions) == 1
    assert any(key.startswith(PREFIX) for key in database)
    assert json.loads(backend.variables.read_text()) == {"a_variable_of_the_team": "made up"}


def test_an_unreadable_file_of_variables_hides_no_record(
    backend: Backend, database: dict[str, str], job: Job, sandbox: Sandbox
) -> None:
    ekyc_task_id = job.submit()
    backend.variables.write_text("no JSON")
    job.clear()
    assert job.submit() == ekyc_task_id
    assert len(sandbox.bill.submissions) == 1


def test_a_copy_of_the_records_in_the_backend_hides_what_is_written_later_and_stops_the_submission(
    backend: Backend, database: dict[str, str], job: Job, sandbox: Sandbox
) -> None:
    job.submit()
    backend.variables.write_text(json.dumps(database))  # as "airflow variables export" and an import give it
    job.clear()
    with pytest.raises(AirflowException, match="the old value is still there") as failed:
        job.submit()
    assert "Nothing was sent" in str(failed.value)
    assert len(sandbox.bill.submissions) == 1


def test_the_remote_id_that_a_person_writes_into_the_backend_adopts_the_submission(
    backend: Backend, database: dict[str, str], job: Job, sandbox: Sandbox
) -> None:
    job.submit_without_answer(sandbox)
    (record,) = (key for key in database if key.startswith(PREFIX) and key.count("_") == 3 and "check" not in key)
    backend.variables.write_text(json.dumps({record: "dadopted1"}))
    job.clear()
    assert job.submit() == "dadopted1"
    assert len(sandbox.bill.submissions) == 1
