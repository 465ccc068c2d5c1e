"""The sandbox does what its OpenAPI description says: Schemathesis tries what it allows, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_ekyc.sandbox.description import description
from tests.sandbox.sandbox_callers import API_KEY, Caller, numbers

ROOT = Path(__file__).parents[2]
#: Few numbers are what Schemathesis makes up; the vendor's least is 100.
FEW_ROWS = {"amazon": (1, 1000)}


def schemathesis(caller: Caller, *options: str) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis against the sandbox, with the same cases each time."""
    configuration = ("--config-file", str(Path(__file__).with_name("schemathesis.toml")))
    run = ("run", f"{caller.sandbox.url}/openapi.json", "--header", f"X-API-Key: {API_KEY}")
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *configuration, *run, "--seed", "1", "--no-color", *options],
        cwd=ROOT,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.sandbox.description_hooks"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )


def test_each_answer_is_one_that_the_description_has(call_up: Callable[..., Caller]) -> None:
    caller = call_up(row_limits=FEW_ROWS)
    done = schemathesis(caller, "--phases", "coverage,stateful", "--max-examples", "5")
    assert done.returncode == 0, done.stdout
    calls = caller.sandbox.calls
    assert min(calls[name] for name in ("submit", "status", "balance", "result")) >= 5
    # The links were followed: a task that was made was asked for.
    assert caller.sandbox.bill.submissions
    assert {seen.status for seen in caller.sandbox.requests if seen.path == "/v1/gettasks"} >= {200, 400, 401, 404}
    assert 500 not in {seen.status for seen in caller.sandbox.requests}


def test_an_answer_that_the_description_does_not_have_is_noticed(caller: Caller) -> None:
    caller.sandbox.fault("balance", "html", times=None)
    done = schemathesis(caller, "--include-path", "/v1/balance", "--phases", "fuzzing", "--max-examples", "2")
    assert done.returncode == 1
    assert "Undocumented Content-Type" in done.stdout


def test_it_is_served_without_a_key_and_names_the_server_that_was_asked(caller: Caller) -> None:
    answer = caller.get(f"{caller.sandbox.url}/openapi.json")
    assert answer.json() == description(caller.sandbox.url)
    assert [server["url"] for server in answer.json()["servers"]] == [caller.sandbox.url]


def test_the_vendors_servers_are_those_of_the_document() -> None:
    document = description()
    assert [server["url"] for server in document["servers"]] == ["https://api.ekycpro.com"]
    (store,) = document["paths"]["/externalcheck/{task_id}/{name}"]["servers"]
    assert store["url"] == "https://wapic.s3.ap-southeast-1.amazonaws.com"


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/gettasks"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"--made-up\r\nno header--made-up--\r\n", id="a part without a header"),
        pytest.param(
            b'--made-up\r\nContent-Disposition: form-data; name="\x01"\r\n\r\n1\r\n--made-up--\r\n', id="a control byte"
        ),
        pytest.param(
            b'--made-up\r\nContent-Disposition: form-data; name="task_id"\r\nContent-Transfer-Encoding: made-up\r\n\r\n'
            b"1\r\n--made-up--\r\n",
            id="an encoding that does not exist",
        ),
        pytest.param(b"--other\r\n", id="another boundary"),
    ],
)
def test_a_form_that_is_none_is_refused(caller: Caller, path: str, body: bytes) -> None:
    headers = {**caller.key, "Content-Type": "multipart/form-data; boundary=made-up"}
    answer = caller.session.post(f"{caller.sandbox.url}{path}", data=body, headers=headers, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_parameters"
    assert caller.sandbox.bill.submissions == ()


@pytest.mark.parametrize("task_type", ["", " ", "a b", "ä", "x" * 65])
def test_a_task_type_that_is_none_is_refused(caller: Caller, task_type: str) -> None:
    assert caller.submit(numbers(100), task_type=task_type).status_code == 400


def test_a_field_that_no_form_has_is_ignored(caller: Caller) -> None:
    form = {"task_type": "amazon", "reference": "made-up"}
    files = {"file": ("numbers.txt", numbers(100))}
    answer = caller.session.post(
        f"{caller.sandbox.url}/v1/tasks", files=files, data=form, headers=caller.key, timeout=20
    )
    assert answer.status_code == 200
