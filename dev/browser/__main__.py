"""The browser tests under other versions of Airflow: one line per version, exit 1 if any fails.

``python -m dev.browser [VERSION ...]``, or ``make browser``. Browser and tests are those of this checkout; Airflow with
the package's wheel and the FAB provider is in the environment that ``make compat`` uses. ``make test`` runs the tests
under this checkout's own Airflow.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dev.stack.compat.versions import BUILD, ROOT, CompatError, Version, build_wheel
from dev.stack.processes import log_tail

#: Versions whose UI has pages of plugins, beside that of ``make test``.
VERSIONS = ("3.1.8", "3.2.2", "3.4.0b2")
#: What the tests' Airflow needs beside the package: the FAB auth manager, and the drivers of PostgreSQL.
ADDED = ("apache-airflow-providers-fab", "asyncpg", "psycopg2-binary")
TESTS = "tests/browser"
#: Of the tests: which version they open.
VARIABLE = "EKYC_BROWSER_VERSION"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests under each version.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.browser", description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"{', '.join(VERSIONS)} by default")
    parser.add_argument("-k", dest="only", default="", help="run only tests of these names, as pytest's -k")
    options = parser.parse_args(arguments)
    BUILD.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel()
    failed = False
    for number in options.versions or VERSIONS:
        version, started = Version(number), time.monotonic()
        try:
            version.install(wheel)
            version.add(*ADDED)
        except CompatError as error:
            print(f"{number:9} FAILED: {error}", flush=True)
            failed = True
            continue
        log = version.log("browser")
        holds = _test(version, options.only, log)
        last = log_tail(log, 1).splitlines() or ["no output"]
        where = "" if holds else f"; see {os.path.relpath(log, ROOT)}"
        print(f"{number:9} {time.monotonic() - started:4.0f} s  {last[0].strip('= ')}{where}", flush=True)
        failed |= not holds
    return 1 if failed else 0


def _test(version: Version, only: str, log: Path) -> bool:
    command = [sys.executable, "-m", "pytest", TESTS, *(["-k", only] if only else [])]
    env = {**os.environ, VARIABLE: version.number}
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False, cwd=ROOT, env=env)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
