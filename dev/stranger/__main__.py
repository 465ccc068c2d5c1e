"""``make stranger``: the start page as a new user reads it, with the wheel alone, and how long it takes.

A folder of its own, a virtual environment of its own, pip, the commands of ``docs/start.md``. The last line names the
versions, the rows that landed, the submissions on the bill and the seconds. Exit code 0 if the result landed, was
billed once, and all of it took less than ten minutes.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path

from dev.stack.airflow_settings import inherited_environment
from dev.stack.compat.versions import ROOT, build_wheel
from dev.stack.processes import LOOPBACK, ChildProcess, ProcessError, free_ports, log_tail
from dev.stranger.script import PAGE, Replaced, script_of

#: Seconds from the first command to the landed result.
BOUND = 600
#: Seconds after which the attempt is given up.
PATIENCE = 1800.0
AIRFLOW = "3.3.2"


def main() -> int:
    """Do what the page says; return the exit code."""
    wheel = build_wheel()
    page = PAGE.read_text(encoding="utf-8")
    api, store, airflow = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="ekyc-stranger-") as parent:
        folder = Path(parent, "start")
        constraints = ROOT / "dev" / "constraints" / f"airflow-{AIRFLOW}.txt"
        script = Path(parent, "start.sh")
        replaced = Replaced(folder, wheel, constraints, {8900: api, 8333: store, 8080: airflow})
        script.write_text(script_of(page, replaced))
        log = Path(parent, "start.log")
        env = {
            **{name: value for name, value in inherited_environment().items() if name != "VIRTUAL_ENV"},
            # What the page's reader has by default, on all interfaces; this machine may have other servers.
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(airflow),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{airflow}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "4",
        }
        began = time.monotonic()
        with ChildProcess("The start page", ["bash", str(script)], log, env=env, directory=Path(parent)) as process:
            try:
                code = process.wait(PATIENCE)
            except ProcessError:
                code = None
        seconds = time.monotonic() - began
        output = log.read_text(errors="replace")
        sys.stdout.write(output)
        if code != 0:
            for name in sorted(folder.glob("*.log")):
                print(f"--- {name.name}\n{log_tail(name)}")
            print(f"The start page ended with exit code {code} after {seconds:.0f} s.", file=sys.stderr)
            return 1
    return report(output, seconds)


def report(output: str, seconds: float) -> int:
    """Print the last line; return the exit code.

    :param output: what the commands printed
    :param seconds: how long they took
    """
    rows = [int(count) for count in re.findall(r"^first/\S+\.csv (\d+) rows", output, re.MULTILINE)]
    billed = output.count('"task_id"')
    print(
        f"stranger: Airflow {AIRFLOW}, Python {sys.version_info.major}.{sys.version_info.minor}, "
        f"rows={rows} submissions={billed} seconds={seconds:.0f} bound={BOUND}"
    )
    return 0 if rows == [1000] and billed == 1 and seconds < BOUND else 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
