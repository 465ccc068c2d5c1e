"""
From the page ``docs/start.md`` to a script that does what the page says, in its order.

What a person does without a command (save the DAG, wait, look) becomes a command. What is replaced is listed in
:func:`script_of`: this machine may have other servers, and the package is the checkout's, not a published one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "start.md"

#: The folder that the page uses.
FOLDER = "/tmp/ekyc-start"

#: The four processes of ``airflow standalone``; that one serves its log files on all interfaces.
PROCESSES = """airflow db migrate > migrate.log 2>&1
airflow api-server > api-server.log 2>&1 &
airflow scheduler --skip-serve-logs > scheduler.log 2>&1 &
airflow dag-processor > dag-processor.log 2>&1 &
airflow triggerer --skip-serve-logs > triggerer.log 2>&1 &"""

#: ``again COMMAND``: until it succeeds, for a quarter of an hour at the most on a machine of normal speed.
PRELUDE = """set -e
step() { echo "step $SECONDS $*"; }
again() {
  for _ in $(seq 90); do
    if "$@" > again.log 2>&1; then return; fi
    sleep 5
  done
  cat again.log
  exit 1
}"""

_LOOK = "python - <<'EOF'"
_BLOCK = re.compile(r"^## (?P<heading>.*?)$|^```(?P<language>bash|python)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_DAG_FILE = re.compile(r"`(/tmp/ekyc-start/airflow/dags/\w+\.py)`")
_STANDALONE = re.compile(r"^airflow standalone\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Replaced:
    """What of the page is another thing here.

    :param folder: instead of ``/tmp/ekyc-start``
    :param package: the wheel, instead of the package's name
    :param constraints: a file, instead of the address of Airflow's constraints
    :param ports: the page's ports, each with a free one
    """

    folder: Path
    package: Path
    constraints: Path
    ports: Mapping[int, int]


def steps_of(page: str) -> dict[str, list[str]]:
    """Return the commands of the page by heading; a DAG file becomes the command that writes it.

    :param page: its Markdown
    """
    steps: dict[str, list[str]] = {}
    dag_file = _DAG_FILE.search(page)
    heading = ""
    for found in _BLOCK.finditer(page):
        if found["heading"]:
            heading = found["heading"]
        elif found["language"] == "bash":
            steps.setdefault(heading, []).append(found["text"])
        elif dag_file:
            steps.setdefault(heading, []).append(f"cat > {dag_file[1]} <<'DAG'\n{found['text']}DAG\n")
    return steps


def script_of(page: str, replaced: Replaced) -> str:
    """Return the page as a script of bash that prints ``step SECONDS HEADING`` before each step.

    Replaced are the folder, the package, the constraints, the ports, and ``airflow standalone`` by its processes.
    Added is the waiting: for the DAG to be listed, and for the result, which the page's own command looks for.

    :param page: its Markdown
    :param replaced: the replacements
    """
    lines = [PRELUDE]
    for heading, commands in steps_of(page).items():
        lines.append(f"step '{heading}'")
        lines += [_here(_waiting(command), replaced) for command in commands]
    return "\n".join(lines) + "\n"


def _waiting(command: str) -> str:
    """Return a command of the page with what a person would wait for."""
    text = _STANDALONE.sub(PROCESSES, command)
    text = re.sub(r"^airflow dags trigger", "again airflow dags trigger", text, flags=re.MULTILINE)
    if text.startswith(_LOOK):
        look, _, rest = text.removeprefix(_LOOK).partition("\nEOF\n")
        return f"cat > look.py <<'EOF'{look}\nEOF\nagain python look.py\npython look.py\n{rest}"
    return text


def _here(text: str, replaced: Replaced) -> str:
    """Return a command with the replacements."""
    text = re.sub(r"^CONSTRAINTS=.*$", f"CONSTRAINTS={replaced.constraints}", text, flags=re.MULTILINE)
    text = re.sub(r"(pip install .*?)\bairflow-provider-ekyc\b", rf"\g<1>{replaced.package}", text)
    text = text.replace(FOLDER, str(replaced.folder))
    for port, free in replaced.ports.items():
        text = re.sub(rf"\b{port}\b", str(free), text)
    return text
