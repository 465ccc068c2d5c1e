"""
Each command of README and documentation.

What answers within a second is run. What takes minutes, changes the machine or needs a deployment is not: then its
parts are compared with what would run (``NOT_RUN`` in ``blocks.py`` has the reasons): targets of the Makefile, modules
and their options, extras of the package, options of Airflow, bodies of its API.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from airflow.api_fastapi.core_api.datamodels.task_instances import ClearTaskInstancesBody
from airflow.configuration import conf

from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox
from tests.documentation.blocks import NOT_RUN, ROOT
from tests.documentation.commands import Command, commands

COMMANDS = [command for command in commands() if command.block.page != "docs/start.md"]
MAKEFILE = (ROOT / "Makefile").read_text()


def check_make(command: Command) -> None:
    """Its targets are in the Makefile, and its variables are read there."""
    for word in command.words[1:]:
        name, _, value = word.partition("=")
        pattern = rf"\$\((?:filter[^)]*,|or )?\$?\(?{name}\b" if value else rf"^{name}:"
        assert re.search(pattern, MAKEFILE, re.MULTILINE), word


def check_module(command: Command) -> None:
    """The module is there, and its parser has the options."""
    module, *rest = command.words[command.words.index("-m") + 1 :]
    if module == "pytest":
        assert (ROOT / rest[0]).exists()
        return
    path = ROOT / Path(*module.split("."))
    files = [path.with_suffix(".py")] if path.with_suffix(".py").exists() else sorted(path.glob("*.py"))
    assert files, module
    source = "".join(file.read_text() for file in [*files, *path.parent.glob("*.py")])
    for option in (word for word in rest if word.startswith("--")):
        assert f'"{option}"' in source, option


def check_export(command: Command) -> None:
    """Bash sets it, and Airflow, or the hook, reads it."""
    text = command.text.replace("<your key>", "made-up-key")
    names = re.findall(r"(?:export | )(\w+)=", text)
    shown = subprocess.run(
        [
            "bash",
            "-c",
            f"{text}\nexec {shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    variables = {name: value for name, value in json.loads(shown.stdout).items() if name in names}
    assert variables
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
            if name.startswith("AIRFLOW_CONN_"):
                assert EkycHook(name.removeprefix("AIRFLOW_CONN_").lower()).settings.api_key
            else:
                section, option = re.fullmatch(r"AIRFLOW__(\w+?)__(\w+)", name).groups()  # type: ignore[union-attr]
                assert conf.has_option(section.lower(), option.lower())
                assert conf.get(section.lower(), option.lower()) == value


def check_pip(command: Command) -> None:
    """The package has these extras."""
    known = set(importlib.metadata.metadata("airflow-provider-ekyc").get_all("Provides-Extra") or [])
    ours = [re.fullmatch(r"airflow-provider-ekyc(?:\[([\w,]+)\])?", word) for word in command.words[2:]]
    assert any(ours)
    for found in filter(None, ours):
        assert set((found[1] or "").split(",")) - {""} <= known


def check_sandbox_call(command: Command) -> None:
    """A running sandbox answers it with success."""
    with Sandbox("made-up-key") as sandbox:
        text = command.text.replace("http://127.0.0.1:8900", sandbox.url)
        subprocess.run(f"{text} --silent --fail", shell=True, check=True, timeout=30, capture_output=True)


def check_sandbox_command(command: Command) -> None:
    """It says what the page shows, with another port and folder."""
    options = re.sub(r"--port \d+", "--port 0", command.text.partition(" ")[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_ekyc.sandbox", *shlex.split(options)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        for line in command.output.splitlines():
            place = re.compile(r"(?<=file )\S+|(?<=:)\d+$")
            assert place.sub("", process.stdout.readline().strip()) == place.sub("", line)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def check_clear_by_rest(command: Command) -> None:
    """Airflow's own model of the request reads the body, and knows each of its names."""
    body = json.loads(command.words[command.words.index("-d") + 1])
    assert set(body) <= set(ClearTaskInstancesBody.model_fields)
    assert ClearTaskInstancesBody.model_validate(body).include_downstream


#: Beginning of a command: how it is run, or compared.
CHECKS: Mapping[str, Callable[[Command], None]] = {
    "make ": check_make,
    ".venv/bin/python -m": check_module,
    "python -m": check_module,
    "export ": check_export,
    "pip install ": check_pip,
    'curl -H "X-API-Key: made-up-key" http://127.0.0.1:8900': check_sandbox_call,
    "ekyc-sandbox ": check_sandbox_command,
    'curl -X POST "$AIRFLOW_URL/api/v2/dags/my_dag/clearTaskInstances"': check_clear_by_rest,
}


def checks_of(command: Command) -> Iterator[Callable[[Command], None]]:
    for beginning, check in CHECKS.items():
        if command.text.startswith(beginning):
            yield check


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_right(command: Command) -> None:
    checks = list(checks_of(command))
    listed = any(command.block.page == page and command.text.startswith(start) for page, start in NOT_RUN)
    assert checks or listed, "neither run nor listed with a reason"
    for check in checks:
        check(command)


def test_each_check_is_used() -> None:
    used = {check for command in COMMANDS for check in checks_of(command)}
    assert used == set(CHECKS.values())
