"""Builds of the package, whether two of them are the same, and what an older index and twine make of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.release.bounds import ROOT
from dev.stack.processes import LOOPBACK, ChildProcess, free_ports

BUILD = ROOT / "build" / "release"
UV = Path(sys.executable).with_name("uv")

#: The last twine that reads metadata with pkginfo, with a pkginfo that knows metadata up to version 2.2: what the
#: oldest images of build servers have. And a plain index as companies run it.
OLDER_TOOLS = ("twine==4.0.2", "pkginfo==1.8.3", "importlib-metadata<8", "pypiserver==2.4.2", "setuptools<81")
READY_TIMEOUT = 60.0


class ReleaseError(Exception):
    """Something stands in the way of a release. The message is one line, with the log file where there is one."""


def run(name: str, *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """
    Run a command, its output into a log file.

    :param name: of the step, and of its log
    :param env: added to the environment
    :return: what it printed
    :raises ReleaseError: if it fails
    """
    log = BUILD / f"{name}.log"
    with log.open("w") as output:
        done = subprocess.run(
            list(map(str, command)),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            check=False,
        )
    if done.returncode:
        raise ReleaseError(f"{name} failed; see {log.relative_to(ROOT)}")
    return log.read_text()


def build(source: Path, folder: Path) -> dict[str, Path]:
    """
    Build sdist and wheel in an environment of their own, with the pinned build system.

    :param source: the project
    :param folder: for the files; emptied
    :return: ``sdist`` and ``wheel``
    """
    shutil.rmtree(folder, ignore_errors=True)
    # A variable that is set would be taken for the date of all files.
    env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [str(UV), "build", "--quiet", "--out-dir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise ReleaseError(f"the package can't be built: {done.stderr.strip().splitlines()[-1:]}")
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def check_reproducible(built: Mapping[str, Path]) -> str:
    """
    Build again from the unpacked sdist, in another folder and at another time, and compare byte by byte.

    :param built: of :func:`build`
    :return: the SHA-256 of the wheel
    :raises ReleaseError: if a file differs
    """
    folder = BUILD / "again"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(built["sdist"]) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    again = build(source, folder / "dist")
    for kind, file in built.items():
        if sha256_of(file) != sha256_of(again[kind]):
            raise ReleaseError(f"the {kind} differs from a second build, in {again[kind].relative_to(ROOT)}")
    return sha256_of(built["wheel"])


def check_files(built: Mapping[str, Path]) -> dict[str, int]:
    """
    Check which folders are in both files; ``tests/provider/test_distribution.py`` compares them file by file.

    :param built: of :func:`build`
    :return: the number of files of each
    :raises ReleaseError: for a folder that does not belong there, such as ``airflow/``
    """
    with zipfile.ZipFile(built["wheel"]) as archive:
        wheel = archive.namelist()
    with tarfile.open(built["sdist"]) as packed:
        sdist = [member.name.partition("/")[2] for member in packed if member.isfile()]
    folders = {name.partition("/")[0] for name in wheel if not name.partition("/")[0].endswith(".dist-info")}
    if folders != {"airflow_provider_ekyc"}:
        raise ReleaseError(f"the wheel has the folders {sorted(folders)}")
    folders = {name.partition("/")[0] for name in sdist if "/" in name}
    if folders != {"airflow_provider_ekyc", "docs", "example_dags"}:
        raise ReleaseError(f"the sdist has the folders {sorted(folders)}")
    return {"wheel": len(wheel), "sdist": len(sdist)}


def check_older_index(built: Mapping[str, Path]) -> None:
    """
    Upload with an older twine to an index on this machine, and download the same bytes from it.

    :param built: of :func:`build`
    :raises ReleaseError: if one of them rejects a file, or if another one comes back
    """
    venv = BUILD / "older-tools"
    if not (venv / "bin" / "twine").exists():
        run("older-tools", UV, "venv", "--clear", "--python", sys.executable, venv)
        run("older-tools", UV, "pip", "install", "--python", venv / "bin" / "python", *OLDER_TOOLS)
    packages = BUILD / "index"
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir()
    with _index(venv, packages) as url:
        account = ("--username", "made-up", "--password", "made-up", "--disable-progress-bar", "--non-interactive")
        twine = venv / "bin" / "twine"
        run("older-upload", twine, "upload", "--repository-url", url, *account, built["wheel"], built["sdist"])
        folder = BUILD / "downloaded"
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--no-deps", "--isolated", "--dest", folder, "--index-url", f"{url}/simple/")
        pip = (sys.executable, "-m", "pip", "download", *options)
        run("older-download", *pip, "--only-binary", ":all:", _requirement(built["wheel"]))
    (found,) = folder.iterdir()
    if sha256_of(found) != sha256_of(built["wheel"]):
        raise ReleaseError("the index returns another wheel than was uploaded")


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _requirement(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version}"


@contextmanager
def _index(venv: Path, packages: Path) -> Iterator[str]:
    """Run an index without accounts on loopback, and yield its address."""
    (port,) = free_ports(1)
    command = [str(venv / "bin" / "pypi-server"), "run", "--interface", LOOPBACK, "--port", str(port)]
    command += ["--passwords", ".", "--authenticate", ".", str(packages)]
    with ChildProcess("index", command, BUILD / "index.log") as process:
        process.wait_until(lambda: _listens(port), READY_TIMEOUT)
        yield f"http://{LOOPBACK}:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
