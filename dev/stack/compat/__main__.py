"""The wheel under each supported version of Airflow: three lines per version, exit 1 if anything does not hold.

``python -m dev.stack.compat [--kinds ...] [--parts ...] [--no-stack] [VERSION ...]``, or ``make compat``: names,
imports, example DAGs and the basic chain by ``dag.test()``; the wheel alone in an empty environment; a whole deployment
from that environment. What holds where goes into ``docs/compat.json`` and into the table of ``docs/compat.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence

import requests

from dev.stack.airflow_rest import AirflowRestError
from dev.stack.compat.bare import BareChecks
from dev.stack.compat.checks import BUCKET, VersionChecks
from dev.stack.compat.deployment import CompatDeployment
from dev.stack.compat.findings import ROWS, Findings, write_record
from dev.stack.compat.scenarios import PARTS, StackScenarios
from dev.stack.compat.versions import BUILD, VERSIONS, BareVersion, CompatError, Version, build_wheel
from dev.stack.processes import ProcessError
from dev.stack.s3_server import S3Server

#: What is run under each version: by ``dag.test()``, the wheel alone, a whole deployment from its environment.
KINDS = ("chain", "alone", "stack")
#: Of one version: the others are run all the same.
FAILURES = (
    AirflowRestError,
    CompatError,
    ProcessError,
    TimeoutError,
    requests.RequestException,
    subprocess.CalledProcessError,
)
SECONDS = BUILD / "seconds.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the wheel under each version.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.stack.compat", description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(VERSIONS)}; all by default")
    parser.add_argument("--kinds", type=_words, default=KINDS, help=f"of {','.join(KINDS)}")
    parser.add_argument("--no-stack", action="store_true", help="leave out the whole deployments")
    parser.add_argument("--parts", type=_words, default=PARTS, help=f"of {','.join(PARTS)}")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.versions) - set(VERSIONS))
    if unknown:
        parser.error(f"no constraint file for {', '.join(unknown)}; there are {', '.join(VERSIONS)}")
    if not set(options.kinds) <= set(KINDS):
        parser.error(f"the kinds of checks are {', '.join(KINDS)}")
    if not set(options.parts) <= set(PARTS):
        parser.error(f"the parts of a whole deployment are {', '.join(PARTS)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    compat = Compat([kind for kind in options.kinds if not (options.no_stack and kind == "stack")], options.parts)
    numbers = options.versions or VERSIONS
    with S3Server(BUILD / "s3.log") as s3:
        s3.create_bucket(BUCKET)
        compat.run(numbers, s3)
    print(compat.summary(numbers))
    return 1 if compat.failed else 0


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


class Compat:
    """One run of the command.

    :param kinds: which checks are run, of :data:`KINDS`
    :param parts: what is run in a whole deployment, of :data:`~dev.stack.compat.scenarios.PARTS`
    """

    def __init__(self, kinds: Collection[str], parts: Collection[str]) -> None:
        self.failed: list[str] = []
        self._kinds = kinds
        self._parts = parts
        self._findings: dict[str, Findings] = {}
        self._seconds: dict[str, dict[str, float]] = {}

    def run(self, numbers: Sequence[str], s3: S3Server) -> None:
        """Check one version after the other, and record what was found if it is what it is to be.

        :param numbers: the versions
        :param s3: a running S3 server with the bucket
        """
        wheel = build_wheel()
        for number in numbers:
            version, bare = Version(number), BareVersion(number)
            findings = self._findings[number] = Findings(bare)

            def chain(version: Version = version) -> str:
                version.install(wheel)
                return VersionChecks(version, s3).run()

            def alone(bare: BareVersion = bare, findings: Findings = findings) -> str:
                bare.install(wheel)
                return BareChecks(bare, findings).run()

            def stack(bare: BareVersion = bare, findings: Findings = findings) -> str:
                return self._stack(bare, findings, s3)

            checks: dict[str, Callable[[], str]] = {"chain": chain, "alone": alone, "stack": stack}
            for kind in KINDS:
                if kind in self._kinds and not self._line(number, checks[kind]):
                    break
            if number not in self.failed:
                write_record({number: findings})

    def summary(self, numbers: Sequence[str]) -> str:
        """Return the last line: versions and counts.

        :param numbers: the versions
        """
        looked_at = sum(len(each.found) for each in self._findings.values())
        held = f"{looked_at} of {len(numbers) * len(ROWS)} rows of docs/compat.md looked at"
        wrong = f"does not hold: {', '.join(self.failed)}" if self.failed else "all holds"
        return f"Airflow {', '.join(numbers)}: {len(numbers)} versions, {held}, {wrong}"

    def _stack(self, bare: BareVersion, findings: Findings, s3: S3Server) -> str:
        with CompatDeployment(bare, s3) as deployment:
            scenarios = StackScenarios(deployment, findings)
            scenarios.run(self._parts)
        if findings.wrong():
            raise CompatError("; ".join(findings.wrong()))
        said = f"whole deployment: {len(findings.found)} rows"
        if scenarios.recovery_seconds is None:
            return said
        self._seconds[bare.number] = {"triggerer_killed": round(scenarios.recovery_seconds, 1)}
        SECONDS.write_text(json.dumps(self._seconds, indent=2) + "\n")
        return f"{said}, landed {scenarios.recovery_seconds:.0f} s after a kill -9 of the triggerer"

    def _line(self, name: str, check: Callable[[], str]) -> bool:
        """Run a check and print its line.

        :return: whether it holds
        """
        started = time.monotonic()
        try:
            said, holds = check(), True
        except FAILURES as error:
            said, holds = f"FAILED: {error}", False
            self.failed.append(name)
        print(f"{name:9} {time.monotonic() - started:4.0f} s  {said}", flush=True)
        return holds


if __name__ == "__main__":
    sys.exit(main())
