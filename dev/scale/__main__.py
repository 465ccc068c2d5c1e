"""``python -m dev.scale [--count 500]``, or ``make scale``: the task group under Celery, with kills on the way.

The last line names versions and counts; the exit code is 0 only if every file has landed and was billed once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dev.scale.deployment import KILLS, Deployment, Plan
from dev.scale.environment import BUILD, InstallError, python, versions
from dev.scale.measurements import Measurements
from dev.scale.report import last_line, write_figures
from dev.scale.run import ScaleRun, StuckError
from dev.scale.verdict import verdict_of
from dev.stack.processes import ProcessError
from dev.stack.terminal import Terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="verifications at once")
    parser.add_argument("--slots", type=int, default=4, help="tasks that each of the two workers runs at once")
    parser.add_argument("--journal", choices=("s3", "variables"), default="s3", help="where submissions are recorded")
    parser.add_argument("--default-timeouts", action="store_true", help="leave Airflow's time-outs as they are")
    parser.add_argument("--kills", nargs="*", choices=KILLS, default=KILLS, help="what is killed; all by default")
    parser.add_argument("--import-each", action="store_true", help="have each task import what it needs by itself")
    options = parser.parse_args(arguments)
    plan = Plan(
        options.count,
        options.slots,
        options.journal,
        options.default_timeouts,
        tuple(options.kills),
        not options.import_each,
    )
    terminal = Terminal()
    try:
        interpreter = python()
        terminal.step("install", f"ready; logs are in {BUILD}")
        with Deployment(plan, interpreter) as deployment:
            terminal.step("Airflow", f"ready on {deployment.airflow.url}")
            run = ScaleRun(deployment, terminal.step)
            with Measurements(deployment) as measured:
                try:
                    state = run.run()
                except StuckError as error:
                    terminal.step("run", str(error))
                    state = run.database.state()
            verdict = verdict_of(deployment, run.database, state)
            named = {**versions(interpreter), **deployment.versions()}
            write_figures(deployment, verdict, run, measured, named)
            for task, index, found in run.database.unsuccessful()[:20]:
                terminal.step(task, f"[{index}] is {found}")
            said = last_line(verdict, run, named)
    except (InstallError, ProcessError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    print(said, flush=True)
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
