"""Runs mutmut over a module, in a folder of its own, and reads what it found."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.mutants.changes import Change, changes_of
from dev.mutants.modules import PACKAGE, WITH_S3, files_for
from dev.stack.s3_server import RUNNING, S3Server

#: What mutmut's exit codes of pytest mean; any other code ended the tests, which is a kill as well.
SURVIVED, NO_TESTS, NOT_TRIED = (0,), (5, 33), (None, 2)
#: A kill without a failed test: the tests needed a multiple of their CPU time, as with a loop that has no end.
TIMED_OUT = (36, -signal.SIGXCPU, signal.SIGXCPU, 128 + signal.SIGXCPU, 255)
_SHOWN = (PACKAGE, "dev", "tests", "docs", "example_dags", "README.md", "CONTRIBUTING.md", "LICENSE", "CHANGELOG.md")

#: What mutmut printed, in the folder of a module.
LOG = "mutmut.log"


@dataclass
class Found:
    """
    What became of the mutants of a module.

    :param made: how many there are
    :param killed: how many a test noticed, or that made the tests run on
    :param timed_out: how many of them made the tests run on
    :param not_tried: how many there was no time for
    :param survivors: those that no test noticed, or that no test reaches
    :param is_broken: whether mutmut failed, as it does if a test fails without a change
    """

    made: int = 0
    killed: int = 0
    timed_out: int = 0
    not_tried: int = 0
    survivors: list[Change] = field(default_factory=list)
    is_broken: bool = False


def try_mutants(module: str, root: Path, home: Path, seconds: float) -> Found:
    """
    Try the mutants of a module; what an earlier run killed of unchanged functions is not tried again.

    :param module: its path below the package
    :param root: the checkout
    :param home: the folder for mutmut's files
    :param seconds: after which the run is stopped; what was tried until then is kept
    """
    _prepare(root, home, module)
    forget_survivors(home, module)
    with _served(module) as environment:
        code = _run(home, seconds, environment)
    found = read_found(home, module)
    found.is_broken = code > 0 or (code == 0 and not found.made)
    return found


def forget_survivors(home: Path, module: str) -> None:
    """
    Have the survivors of earlier runs tried again, with the tests as they are now: mutmut would keep what it found.

    :param home: the folder for mutmut's files
    :param module: its path below the package
    """
    written = home / "mutants"
    for copied in ("tests", "dev"):
        shutil.rmtree(written / copied, ignore_errors=True)
    (written / "mutmut-stats.json").unlink(missing_ok=True)
    meta = _meta(home, module)
    if meta.exists():
        known = json.loads(meta.read_text())
        codes: dict[str, int | None] = known["exit_code_by_key"]
        known["exit_code_by_key"] = {
            key: None if code in SURVIVED or code in NO_TESTS else code for key, code in codes.items()
        }
        meta.write_text(json.dumps(known))


@contextmanager
def _served(module: str) -> Iterator[dict[str, str]]:
    """Run the server that the tests of a module call, and yield the environment that describes it."""
    if module not in WITH_S3:
        yield dict(os.environ)
        return
    with S3Server() as server:
        yield {**os.environ, RUNNING: server.description}


def _run(home: Path, seconds: float, environment: Mapping[str, str]) -> int:
    """Return mutmut's exit code; negative if it was stopped."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", "1"]
    with (
        (home / LOG).open("wb") as log,
        subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running,
    ):
        try:
            return running.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGTERM)
            return -signal.SIGTERM
        except BaseException:
            os.killpg(running.pid, signal.SIGKILL)
            raise


def read_found(home: Path, module: str) -> Found:
    """
    Return what mutmut wrote of the module.

    :param home: the folder for mutmut's files
    :param module: its path below the package
    """
    written, meta = home / "mutants" / PACKAGE / module, _meta(home, module)
    if not meta.exists():
        return Found()
    codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
    untried = sum(code in NOT_TRIED for code in codes.values())
    alive = [key for key, code in codes.items() if code in SURVIVED or code in NO_TESTS]
    survivors = list(changes_of(module, written.read_text(), alive))
    timed_out = sum(code in TIMED_OUT for code in codes.values())
    return Found(len(codes), len(codes) - untried - len(alive), timed_out, untried, survivors)


def _meta(home: Path, module: str) -> Path:
    written = home / "mutants" / PACKAGE / module
    return written.with_name(f"{written.name}.meta")


def _prepare(root: Path, home: Path, module: str) -> None:
    """Show mutmut a folder with the checkout's files and a configuration for this module."""
    home.mkdir(parents=True, exist_ok=True)
    for name in _SHOWN:
        link = home / name
        if not link.is_symlink():
            link.symlink_to(root / name)
    settings = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{module}"],
        "also_copy": [name for name in _SHOWN if name not in (PACKAGE, "tests")],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in files_for(module)],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    project = (root / "pyproject.toml").read_text()
    (home / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]))
