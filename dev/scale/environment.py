"""The virtual environment that ``make scale`` runs Airflow from: the package as users install it, and Celery."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "scale"

#: The Airflow that is run, under its own constraints.
AIRFLOW_VERSION = "3.3.2"
CONSTRAINTS = ROOT / "dev" / "constraints" / f"airflow-{AIRFLOW_VERSION}.txt"
#: What the last line of a run names, beside Redis and PostgreSQL.
NAMED = ("apache-airflow", "apache-airflow-providers-celery", "celery", "airflow-provider-ekyc")


class InstallError(Exception):
    """Something that the run needs can't be installed. The message is one line."""


def python() -> Path:
    """Return the interpreter of the environment, which is made on first use.

    The package is installed anew each time, as a wheel of this checkout; the rest only if the constraints changed.

    :return: its path
    :raises InstallError: if it can't be installed
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    folder, stamp = BUILD / "venv", BUILD / "installed-from.txt"
    interpreter = folder / "bin" / "python"
    made_from = CONSTRAINTS.read_text()
    if not interpreter.exists() or not stamp.exists() or stamp.read_text() != made_from:
        shutil.rmtree(folder, ignore_errors=True)
        _uv("venv", "--python", sys.executable, str(folder))
    _uv(
        *("pip", "install", "--python", str(interpreter), "--compile-bytecode", "--constraint", str(CONSTRAINTS)),
        *("--reinstall-package", "airflow-provider-ekyc", f"apache-airflow=={AIRFLOW_VERSION}"),
        *(f"airflow-provider-ekyc[parquet] @ {ROOT.as_uri()}", "--group", "scale"),
    )
    stamp.write_text(made_from)
    return interpreter


def versions(interpreter: Path) -> dict[str, str]:
    """Return what is installed, by name, of :data:`NAMED`.

    :param interpreter: of the environment
    """
    code = "import sys; from importlib.metadata import version; print(*(version(name) for name in sys.argv[1:]))"
    done = subprocess.run([str(interpreter), "-I", "-c", code, *NAMED], capture_output=True, text=True, check=True)
    return dict(zip(NAMED, done.stdout.split(), strict=True))


def _uv(*arguments: str) -> None:
    log = BUILD / "install.log"
    with log.open("ab") as output:
        uv = Path(sys.executable).with_name("uv")
        done = subprocess.run([str(uv), *arguments], stdout=output, stderr=output, check=False, cwd=ROOT)
    if done.returncode:
        raise InstallError(f"uv {arguments[0]} failed; see {os.path.relpath(log, ROOT)}")
