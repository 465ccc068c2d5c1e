"""The wheel under each supported version of Airflow: one line per version, exit 1 if any fails.

``python -m dev.stack.compat [--no-stack] [VERSION ...]``, or ``make compat``. 3.3.2 and 3.4.0b2 have a second line, for
the scenarios of a whole deployment.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from dev.stack.compat.checks import BUCKET, VersionChecks
from dev.stack.compat.scenarios import StackScenarios
from dev.stack.compat.versions import BUILD, STACK_VERSIONS, VERSIONS, CompatError, Version, build_wheel
from dev.stack.processes import ProcessError
from dev.stack.s3_server import S3Server


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the wheel under each version.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.stack.compat", description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(VERSIONS)}; all by default")
    parser.add_argument("--no-stack", action="store_true", help="leave out the scenarios of a whole deployment")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.versions) - set(VERSIONS))
    if unknown:
        parser.error(f"no constraint file for {', '.join(unknown)}; there are {', '.join(VERSIONS)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel()
    failed = False
    with S3Server(BUILD / "s3.log") as s3:
        s3.create_bucket(BUCKET)
        for number in options.versions or VERSIONS:
            version = Version(number)

            def check(version: Version = version) -> str:
                version.install(wheel)
                return VersionChecks(version, s3).run()

            holds = _line(number, check)
            if holds and number in STACK_VERSIONS and not options.no_stack:
                holds = _line(number, StackScenarios(version, s3).run)
            failed |= not holds
    return 1 if failed else 0


def _line(name: str, check: Callable[[], str]) -> bool:
    """Run a check and print its line.

    :return: whether it holds
    """
    started = time.monotonic()
    try:
        said, holds = check(), True
    except (CompatError, ProcessError, TimeoutError) as error:
        said, holds = f"FAILED: {error}", False
    print(f"{name:9} {time.monotonic() - started:4.0f} s  {said}", flush=True)
    return holds


if __name__ == "__main__":
    sys.exit(main())
