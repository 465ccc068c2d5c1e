"""Which versions of Airflow ``make compat`` runs, and how a virtual environment of each is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CONSTRAINTS = ROOT / "dev" / "constraints"
BUILD = ROOT / "build" / "compat"

#: The supported versions, oldest first, and the next one. Each has its constraint file.
VERSIONS = ("2.11.2", "3.0.6", "3.1.8", "3.2.2", "3.3.2", "3.4.0b2")
EXTRAS = "parquet,sandbox"
#: What Airflow's metrics and traces need, as its extras ``statsd`` and ``otel`` have it.
TELEMETRY = ("statsd", "opentelemetry-exporter-otlp")


class CompatError(Exception):
    """Something does not hold under one version. The message is one line, with the log file where there is one."""


@dataclass(frozen=True)
class Version:
    """One version of Airflow with its own virtual environment.

    :param number: the version
    """

    number: str

    @property
    def constraints(self) -> Path:
        """The constraint file that stands for Airflow's own."""
        return CONSTRAINTS / f"airflow-{self.number}.txt"

    @property
    def folder(self) -> Path:
        """Holds the environment, Airflow's home and the logs."""
        return BUILD / self.number

    @property
    def is_airflow_2(self) -> bool:
        """Whether it is a version of Airflow 2."""
        return self.number.startswith("2.")

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def home(self) -> Path:
        """The AIRFLOW_HOME."""
        return self.folder / "home"

    def log(self, name: str) -> Path:
        """Return the log file of one step.

        :param name: the step
        """
        return self.folder / f"{name}.log"

    def install(self, wheel: Path) -> None:
        """Install the wheel as Airflow's documentation says to: with the version's constraints.

        An environment that is there is used again; only the wheel is replaced, if the constraints did not change.

        :param wheel: the package
        :raises CompatError: if it can't be resolved or installed, or if a requirement is not met afterwards
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self.folder / "installed-from.txt"
        if not self.python.exists() or not stamp.exists() or stamp.read_text() != self.constraints.read_text():
            shutil.rmtree(self.folder)
            self.folder.mkdir()
            self._uv("install", "venv", "--python", sys.executable, str(self.folder / "venv"))
        python = ("--python", str(self.python))
        # Named anew each time, so that a requirement of the wheel that the constraints contradict is noticed.
        package = f"airflow-provider-ekyc[{EXTRAS}] @ {wheel.as_uri()}"
        self._uv(
            "install",
            *("pip", "install", *python, "--compile-bytecode", "--reinstall-package", "airflow-provider-ekyc"),
            *("--constraint", str(self.constraints), f"apache-airflow=={self.number}", package, *TELEMETRY),
        )
        self._uv("install", "pip", "check", *python)
        stamp.write_text(self.constraints.read_text())

    def add(self, *requirements: str) -> None:
        """Install something more, with the version's constraints.

        :param requirements: what
        :raises CompatError: if it can't be installed
        """
        self._uv(
            "install",
            *("pip", "install", "--python", str(self.python), "--constraint", str(self.constraints), *requirements),
        )

    def _uv(self, log: str, *arguments: str) -> None:
        with self.log(log).open("ab") as output:
            uv = Path(sys.executable).with_name("uv")
            done = subprocess.run([str(uv), *arguments], stdout=output, stderr=output, check=False, cwd=BUILD)
        if done.returncode:
            raise CompatError(f"uv {arguments[0]} failed; see {os.path.relpath(self.log(log), ROOT)}")


class BareVersion(Version):
    """One version of Airflow with the wheel alone: no extra, nothing of the tools."""

    @property
    def folder(self) -> Path:
        """Holds the environment, Airflow's home and the logs."""
        return BUILD / "bare" / self.number

    def install(self, wheel: Path) -> None:
        """Install the wheel into an empty environment, with the version's constraints.

        :param wheel: the package
        :raises CompatError: if it can't be resolved or installed, or if a requirement is not met afterwards
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._uv("install", "venv", "--python", sys.executable, str(self.folder / "venv"))
        self.add(f"apache-airflow=={self.number}", f"airflow-provider-ekyc @ {wheel.as_uri()}")
        self._uv("install", "pip", "check", "--python", str(self.python))


def build_wheel() -> Path:
    """Build the wheel of this checkout.

    :return: the file
    :raises CompatError: if it can't be built
    """
    # Of this process alone: another one may be installing from the wheel that it has built.
    folder = BUILD / "wheel" / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompatError(f"the wheel can't be built: {done.stderr.strip().splitlines()[-1:]}")
    (wheel,) = folder.glob("*.whl")
    return wheel
