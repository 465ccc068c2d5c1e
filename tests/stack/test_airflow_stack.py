from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dev.stack.airflow_rest import AirflowRest, AirflowRestError
from dev.stack.airflow_stack import COMPONENTS
from dev.stack.imported_once import import_in_scheduler
from tests.stack.listening import listening_addresses
from tests.stack.other_process import OtherProcess

pytestmark = pytest.mark.airflow

DAG_FILE = """
from __future__ import annotations

from airflow.sdk import DAG, Param, task

with DAG("stack_check", schedule=None, params={"word": Param("none", type="string")}):

    @task
    def say(params=None, ti=None):
        ti.xcom_push("second", {"said": params["word"]})
        return params["word"]

    say()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow") / "home"


@pytest.fixture(scope="module")
def airflow(home: Path) -> Iterator[OtherProcess]:
    dags = home.parent / "dags"
    dags.mkdir()
    (dags / "stack_check.py").write_text(DAG_FILE)
    with OtherProcess(home, dags) as running:
        yield running


@pytest.fixture(scope="module")
def rest(airflow: OtherProcess) -> AirflowRest:
    return AirflowRest(airflow.get("url"), *airflow.get("login"))


def test_a_run_can_be_driven_and_read_over_rest(rest: AirflowRest) -> None:
    assert rest.wait_for_dag("stack_check")["is_paused"]
    rest.unpause("stack_check")
    run_id = rest.trigger("stack_check", {"word": "hello"})
    assert rest.wait_for_run("stack_check", run_id, 120)["state"] == "success", rest.log("stack_check", run_id, "say")
    assert rest.xcom("stack_check", run_id, "say") == "hello"
    assert rest.xcom("stack_check", run_id, "say", "second") == {"said": "hello"}
    assert {entry["key"] for entry in rest.xcoms("stack_check", run_id)} == {"return_value", "second"}
    assert "Returned value was: hello" in rest.log("stack_check", run_id, "say")

    rest.clear("stack_check", run_id, ["say"])
    assert rest.wait_for_run("stack_check", run_id, 120)["state"] == "success"
    assert rest.task_instance("stack_check", run_id, "say")["try_number"] == 2

    rest.clear("stack_check", run_id, ["say"])
    with pytest.raises(TimeoutError, match=r"is \w+: \{'say.*\}; metadatabase healthy, scheduler healthy, "):
        rest.wait_for_run("stack_check", run_id, 0)
    assert rest.wait_for_run("stack_check", run_id, 120)["state"] == "success"

    rest.patch_task_instance("stack_check", run_id, "say", "failed")
    assert rest.task_instances("stack_check", run_id)[0]["state"] == "failed"
    assert rest.import_errors() == []


def test_it_listens_on_loopback_only(airflow: OtherProcess) -> None:
    addresses = {address for name in COMPONENTS for address in listening_addresses(airflow.pid(name))}
    assert addresses == {"127.0.0.1"}


def test_a_wrong_password_opens_nothing(airflow: OtherProcess) -> None:
    stranger = AirflowRest(airflow.get("url"), airflow.get("login")[0], "guessed")
    with pytest.raises(AirflowRestError) as refused:
        stranger.dags()
    assert refused.value.status == 401


def test_secrets_are_readable_by_their_owner_only(airflow: OtherProcess, home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    password = airflow.get("login")[1]
    for file in home.iterdir():
        if file.is_file() and password in file.read_text(errors="replace"):
            assert file.stat().st_mode & 0o777 == 0o600
    assert password not in airflow.get("log_of", "api-server").read_text()


def test_a_killed_component_counts_as_healthy_only_after_its_restart(airflow: OtherProcess) -> None:
    old = airflow.pid("triggerer")
    airflow.get("kill", "triggerer")
    assert not psutil.pid_exists(old)
    before = time.time()
    airflow.get("restart", "triggerer")
    assert time.time() - before > 1
    assert airflow.pid("triggerer") != old


def test_everything_ends_when_the_parent_is_killed(airflow: OtherProcess) -> None:
    heads = [psutil.Process(airflow.pid(component)) for component in COMPONENTS]
    family = [*heads, *(child for head in heads for child in head.children(recursive=True))]
    airflow.stop()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_a_scheduler_imports_once_what_its_tasks_need_and_no_other_component_does(tmp_path: Path) -> None:
    import_in_scheduler(tmp_path)
    settings = tmp_path / "config" / "airflow_local_settings.py"
    code = "import runpy, sys; sys.argv[1:] = [sys.argv[2]]; runpy.run_path(SETTINGS); print('boto3' in sys.modules)"
    for component in COMPONENTS:
        command = [sys.executable, "-c", code.replace("SETTINGS", repr(str(settings))), "-", component]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.split()[-1] == str(component == "scheduler"), component
