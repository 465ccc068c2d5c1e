"""
Whether this checkout can be released. ``python -m dev.release.check``, or ``make release-check``; ends 0 if it can.

Builds sdist and wheel twice and compares them byte by byte; looks at their metadata and page (``twine check
--strict``) and at their folders; uploads them with an older twine to an index on this machine; installs the wheel and
writes a bill of materials; and checks the licences. ``--final`` also wants a date in the changelog and a clean work
tree.

``--vulnerabilities`` (``make audit``) asks for known vulnerabilities instead, which needs an index that has them: on
one that has none it fails, because what was not looked up is not safe.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_ekyc import __version__
from dev.release.bounds import ROOT, project
from dev.release.builds import (
    BUILD,
    ReleaseError,
    build,
    check_files,
    check_older_index,
    check_reproducible,
    run,
)
from dev.release.dependencies import SBOM, check_licences, check_vulnerabilities, environment, write_sbom
from dev.stack.processes import ProcessError


def changelog_heading() -> str:
    """
    Return what the changelog's first heading says behind the version: a date, or ``unreleased``.

    :raises ReleaseError: if it is of another version
    """
    found = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if found is None or found[1] != __version__:
        raise ReleaseError(f"CHANGELOG.md does not begin with {__version__}")
    return found[2]


def _final() -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", changelog_heading()):
        raise ReleaseError(f"CHANGELOG.md has no date for {__version__}")
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    if changed.stdout.strip():
        raise ReleaseError("the work tree has changes that are not committed")


def _check(*, final: bool) -> None:
    heading = changelog_heading()
    if final:
        _final()
    built = build(ROOT, BUILD / "dist")
    print(f"built         {', '.join(file.name for file in built.values())}; changelog: {heading}", flush=True)
    print(f"reproducible  the wheel's SHA-256 is {check_reproducible(built)}", flush=True)
    run("twine", Path(sys.executable).with_name("twine"), "check", "--strict", *built.values())
    print("page          twine check --strict: passed", flush=True)
    files = check_files(built)
    print(f"files         {files['wheel']} in the wheel, {files['sdist']} in the sdist", flush=True)
    check_older_index(built)
    print("older tools   twine 4.0.2 and pypiserver: uploaded, and downloaded the same", flush=True)
    python = environment(built["wheel"])
    print(f"SBOM          {write_sbom(python)} components in {SBOM.relative_to(ROOT)}", flush=True)
    print(f"licences      {check_licences(python)} packages, all allowed", flush=True)
    print(f"release-check: airflow-provider-ekyc {__version__} holds; its links lead to {project()['urls']['Source']}")


def _audit() -> None:
    python = environment(build(ROOT, BUILD / "dist")["wheel"])
    print(f"audit: {check_vulnerabilities(python)} packages without a known vulnerability")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the checks.

    :param arguments: the command line without the program's name
    :return: the exit code
    """
    parser = argparse.ArgumentParser(prog="python -m dev.release.check", description="Whether this can be released.")
    parser.add_argument("--final", action="store_true", help="the changelog has a date, and everything is committed")
    parser.add_argument("--vulnerabilities", action="store_true", help="ask the index for known vulnerabilities")
    options = parser.parse_args(arguments)
    BUILD.mkdir(parents=True, exist_ok=True)
    if shutil.which("git") is None and options.final:
        parser.error("--final needs git")
    try:
        if options.vulnerabilities:
            _audit()
        else:
            _check(final=options.final)
    except (ReleaseError, ProcessError) as error:
        print(f"FAILED: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
