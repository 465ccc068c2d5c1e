"""The demo: numbers in, checked results in S3, through a real Airflow on this machine.

``python -m dev.stack.demo [--keep]``, or ``make demo``. It exits with 0 when the result is in the bucket and
was read back, 1 when the run failed, 2 when it was asked for something it can't do.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.stack.airflow_rest import AirflowRestError
from dev.stack.demo_plan import EKYC_CONNECTION, DemoPlan, DemoRefusedError, read_plan
from dev.stack.demo_run import DAG_ID, Demo
from dev.stack.processes import ProcessError
from dev.stack.result_object import UnreadableResultError
from dev.stack.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
SECONDS_TO_THINK = 5


@contextmanager
def only_demo() -> Iterator[None]:
    """Hold the lock on ``build/demo``, which two demos at once can't share."""
    BUILD.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoRefusedError("another demo is running from this checkout: stop it first (Ctrl-C there)") from None
        yield


def announce(plan: DemoPlan, terminal: Terminal) -> None:
    """Say what is going to happen, above all if it costs money.

    :param plan: what the demo runs against
    :param terminal: where to say it
    """
    service = "the REAL service" if plan.real_service else "the sandbox"
    bucket = f"your bucket {plan.bucket}" if plan.real_bucket else "an S3 server of its own"
    terminal.line(f"eKYC demo: numbers -> {service} -> {bucket}, through a real Airflow on this machine.")
    if plan.real_service:
        terminal.line(f"{EKYC_CONNECTION} is set: this SUBMITS your numbers and COSTS MONEY.")
        terminal.line(f"Starting in {SECONDS_TO_THINK} s. Ctrl-C stops it.")
        time.sleep(SECONDS_TO_THINK)
    first = not (BUILD / ("airflow-real" if plan.real_service else "airflow")).exists()
    terminal.step("demo", f"starting; Airflow takes about {'half a minute the first time' if first else '20 s'}")


def stay(demo: Demo) -> None:
    """Leave everything up until somebody says stop.

    :param demo: the running demo
    """
    user, password = demo.airflow.login
    others = sorted({str(dag["dag_id"]) for dag in demo.rest.dags()} - {DAG_ID})
    say = demo.terminal
    say.line("Everything stays up. Ctrl-C stops it.")
    say.fact("web UI", demo.airflow.url)
    say.fact("login", f"{user} / {password}")
    if demo.page:
        say.fact("page eKYC", f"{demo.page} (eKYC in the navigation)")
    say.fact("to try", f"trigger {DAG_ID}: its form has this demo's list and bucket")
    if others:
        say.fact("more", ", ".join(others))
    if demo.plan.connections:
        say.fact("note", "your own connections are in the environment, so the web UI neither lists nor tests them")
    say.line()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say.line()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.stack.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the web UI up afterwards, until Ctrl-C")
    parser.add_argument("--dags", type=Path, default=ROOT / "example_dags", help="folder of the DAG files")
    parser.add_argument("--python", type=Path, help="interpreter of another virtual environment, to run its Airflow")
    options = parser.parse_args(arguments)
    # An orderly end for "kill" and a closed terminal too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    terminal = Terminal()
    try:
        plan = read_plan(os.environ)
        with only_demo():
            announce(plan, terminal)
            demo = Demo(plan, BUILD, options.dags, terminal, options.python and options.python.absolute())
            with demo.running():
                done = demo.run()
                if options.keep and demo.has_web_ui:
                    stay(demo)
                elif done and demo.page:
                    terminal.line("make demo KEEP=1 leaves Airflow's web UI up, with the page eKYC of this run.")
        return 0 if done else 1
    except DemoRefusedError as refusal:
        terminal.line(f"Refused: {refusal}")
        return 2
    except (ProcessError, AirflowRestError, UnreadableResultError, TimeoutError) as error:
        terminal.line()
        terminal.foreign(str(error))
        return 1
    except KeyboardInterrupt:
        terminal.line("Stopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
