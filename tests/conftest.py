"""
What the tests share: the sandbox and a real S3 server over sockets, connections, a task's context.

No mock of our own code: an operator is executed as it is, and talks to servers of this machine.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

# Before Airflow is imported: its configuration and database are made where this says.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="ekyc-tests-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
# Of the S3 servers, which are written in Go: with more, a fifth of their CPU time goes into looking for work.
os.environ["GOMAXPROCS"] = "1"

import botocore.session
import pytest
from airflow.sdk._shared.secrets_masker import reset_secrets_masker
from hypothesis import settings

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.postgres_server import PostgresServer
from dev.stack.s3_server import RUNNING, S3Server
from dev.testing.rare_collections import FOLDER
from dev.testing.task_context import context_of
from dev.testing.variables import Variables
from dev.testing.xdist_scheduler import AirflowFirst

if TYPE_CHECKING:
    from dev.browser.made_up_runs import MadeUpRuns
    from tests.plugins.settled_airflow import SettledAirflow

# For the processes that tests start, and those of pytest-xdist.
os.environ["PYTHONPATH"] = str(FOLDER)

ROOT = Path(__file__).parents[1]

#: Files whose tests use the same Airflow, by its name: they run in one process.
SHARED_SERVERS = {
    f"tests/{file}": server
    for server, files in {
        "made-up runs": ("browser/test_many_runs.py", "hooks/test_connection_over_rest.py", "page/test_in_airflow.py"),
        "deployment": ("browser/test_journeys.py", "browser/test_rights.py"),
        "dags test": ("airflow/test_callback.py", "airflow/test_dags_test.py", "airflow/test_prepared.py"),
        "settled": ("airflow/test_renamed_task.py", "page/test_ways_out.py", "plugins/test_settle_server.py"),
    }.items()
    for file in files
}

#: Files, and groups of files, with few tests that take a minute or more: pytest-xdist would begin with those that have
#: many.
LONG = [
    "deployment",
    "settled",
    "dags test",
    *(
        f"tests/{file}"
        for file in (
            "plugins/test_settle_fab.py",
            "faults/test_short_run.py",
            "fuzz/test_fuzz_run.py",
            "sandbox/test_sandbox_description.py",
            "test_testing_your_dags.py",
            "site/test_site.py",
            "outcomes/test_outcome_table.py::test_a_row_about_landing_is_true",
            "outcomes/test_outcome_table.py::test_a_row_about_waiting_is_true_in_every_mode",
            "provider/test_distribution.py",
            "deployment/test_db_clean.py",
        )
    ),
]

#: Tests that share nothing: each function of such a file may run in another process.
SPLIT = ["tests/outcomes/test_outcome_table.py"]

API_KEY = "made-up-api-key-0123456789abcdef"
BUCKET = "ekyc-results"
WAREHOUSE = "ekyc-warehouse"

# A busy machine may stop any example for longer than the 200 ms that Hypothesis allows. Speed is for the benchmarks.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> AirflowFirst:
    """Begin with the tests that start Airflow, and keep those together that share one."""
    return AirflowFirst(config, log, ROOT, SHARED_SERVERS, LONG, SPLIT)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the tests themselves out of Python's garbage collections, each of which would take half a second."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name a test after the argument, not after long contents: archives made at another second have other bytes."""
    return argname if isinstance(val, bytes) and len(val) > 16 else None


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """
    Have the names of the tests made anew by each run of pytest in a process, as mutmut runs it for each change.

    pytest keeps those that ``ids`` gave with the test, and would escape a backslash in them once more: a test that it
    does not find by its name ends the run, which mutmut would count as a failed test.
    """
    for mark in metafunc.definition.iter_markers("parametrize"):
        if mark._param_ids_from is not None:
            object.__setattr__(mark._param_ids_from, "_param_ids_generated", None)  # it is frozen


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """Read boto's own files once: each new client reads megabytes of JSON, a third of a second."""
    with mock.patch("botocore.session.create_loader", functools.cache(botocore.session.create_loader)):
        yield


@pytest.fixture(scope="session", autouse=True)
def _stacks_without_source() -> Iterator[None]:
    """
    Leave the lines of source out of :func:`inspect.stack`.

    Airflow's hook of AWS looks with it for the class that calls it, for each client, and reads names alone. Below
    pytest the stack is so deep that the lines were a twentieth of the tests' CPU time.
    """
    with mock.patch("inspect.stack", functools.partial(inspect.stack, context=0)):
        yield


@pytest.fixture(autouse=True)
def _secrets_of_one_task() -> Iterator[None]:
    """
    Airflow's list of what to mask in logs ends with the test, as a task's ends with its process.

    Each connection adds to it, and with each addition Airflow compiles one expression of the whole list.
    """
    yield
    reset_secrets_masker()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The API, plain, at once done with every task."""
    with Sandbox(API_KEY) as running:
        yield running


@pytest.fixture
def clock_of_queries(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's clock moves by a second with each status query, and not otherwise, however busy the machine."""
    now, book = [time.time()], sandbox.state.book_poll

    def booked(*arguments: Any) -> None:
        book(*arguments)
        now[0] += 1

    monkeypatch.setattr(sandbox.state, "clock", lambda: now[0])
    monkeypatch.setattr(sandbox.state, "book_poll", booked)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server with one bucket: a new one, or what RUNNING describes."""
    if description := os.environ.get(RUNNING):
        server = S3Server.described_by(description)
        if BUCKET not in [found["Name"] for found in server.client().list_buckets()["Buckets"]]:
            server.create_bucket(BUCKET)
        yield server
        return
    with S3Server() as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture(scope="session")
def warehouse(s3_server: S3Server) -> S3Server:
    """The S3 server with a bucket for Iceberg tables, which nobody empties: each test has a prefix of its own."""
    s3_server.create_bucket(WAREHOUSE)
    return s3_server


@pytest.fixture(scope="session")
def _s3_client(s3_server: S3Server) -> Any:
    """A client, made once: each new one takes a tenth of a second."""
    return s3_server.client()


@pytest.fixture
def s3(_s3_client: Any) -> Any:
    """A client of the S3 server; the bucket is empty."""
    empty_bucket(_s3_client)
    return _s3_client


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def made_up_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeUpRuns]:
    """An API server over 10,000 made-up runs, which nobody changes; connections can be tested there."""
    from dev.browser.made_up_runs import MadeUpRuns
    from dev.stack.compat.versions import Version

    version = os.environ.get("EKYC_BROWSER_VERSION")
    with MadeUpRuns(tmp_path_factory.mktemp("many"), python=Version(version).python if version else None) as running:
        yield running


@pytest.fixture(scope="session")
def _settled_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SettledAirflow]:
    from tests.plugins.settled_airflow import SettledAirflow

    with SettledAirflow(tmp_path_factory.mktemp("settled")) as running:
        yield running


@pytest.fixture(scope="module")
def settled(request: pytest.FixtureRequest, _settled_airflow: SettledAirflow) -> Iterator[SettledAirflow]:
    """A running Airflow whose chains have failed; it ends with the last of the files that share it."""
    yield _settled_airflow
    if is_last_file_with("_settled_airflow", request):
        _settled_airflow.stop()


def is_last_file_with(fixture: str, request: pytest.FixtureRequest) -> bool:
    """Whether no test of a later file uses a fixture, by the request of one that ends with this file."""
    users = [item.path for item in request.session.items if fixture in getattr(item, "fixturenames", ())]
    return bool(request.path == users[-1])


def empty_bucket(client: Any) -> None:
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])
    abort_uploads(client)


def abort_uploads(client: Any) -> None:
    """Do what a lifecycle rule does with what a killed process leaves."""
    for begun in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        client.abort_multipart_upload(Bucket=BUCKET, Key=begun["Key"], UploadId=begun["UploadId"])


def keys_of(client: Any) -> list[str]:
    """All keys in the bucket, and unfinished uploads too."""
    objects = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    uploads = [found["Key"] for found in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]
    return objects + uploads


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Define the eKYC connection for a running sandbox."""

    def define(sandbox: Sandbox, *, conn_id: str = "ekyc_default", password: str = API_KEY, **extra: Any) -> None:
        if sandbox.ca_file is not None:
            extra.setdefault("ca_file", str(sandbox.ca_file))
        extra.setdefault("result_hosts", sandbox.url)
        connection = {"conn_type": "ekyc", "host": sandbox.url, "password": password, "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    return define


@pytest.fixture
def connections(
    sandbox: Sandbox, s3_server: S3Server, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both default connections: the plain sandbox and the S3 server."""
    connect(sandbox)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(s3_server))


def aws_connection(server: S3Server) -> str:
    return json.dumps(server.connection())


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    """Airflow's Variables, empty."""
    kept = Variables()
    monkeypatch.setattr("airflow_provider_ekyc.submission.variable_store.Variable", kept)
    return kept


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries without the waiting; the seconds that would have been waited are recorded."""
    from airflow_provider_ekyc.api.retries import retrying
    from airflow_provider_ekyc.results.range_workers import RangeWorkers

    waited: list[float] = []
    monkeypatch.setattr(RangeWorkers, "pause", lambda _, seconds: waited.append(seconds))
    assert retrying.__kwdefaults__
    monkeypatch.setitem(retrying.__kwdefaults__, "sleep", waited.append)
    return waited


@pytest.fixture
def known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new id has a second to become known instead of ten minutes."""
    monkeypatch.setattr("airflow_provider_ekyc.polling.poller.NOT_FOUND_SECONDS", 1.0)


@pytest.fixture
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy asks every 0.05 s instead of every 5 s, and the trigger begins at once."""
    monkeypatch.setattr("airflow_provider_ekyc.polling.interval.FLOOR", 0.05)
    monkeypatch.setattr("airflow_provider_ekyc.polling.poller.FIRST_QUERY", 0.05)


@pytest.fixture
def context() -> dict[str, Any]:
    """The context of a task that runs for the first time."""
    return dict(context_of())


@pytest.fixture
def numbers(tmp_path: Path) -> list[str]:
    """Two hundred numbers of no country."""
    return [f"+999{number:010d}" for number in range(200)]


@pytest.fixture
def numbers_file(tmp_path: Path, numbers: list[str]) -> Path:
    """A file of them."""
    path = tmp_path / "numbers.txt"
    path.write_text("".join(f"{number}\n" for number in numbers))
    return path


async def until(condition: Callable[[], bool]) -> None:
    """Wait in an event loop for a condition, a minute at the most."""

    def watch() -> None:
        latest = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < latest
            time.sleep(0.01)

    await asyncio.to_thread(watch)
