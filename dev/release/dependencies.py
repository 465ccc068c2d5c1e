"""What is installed with the package: a bill of materials, its licences, its known vulnerabilities."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from airflow_provider_ekyc import __version__
from dev.release.bounds import PACKAGE, ROOT, extras
from dev.release.builds import BUILD, UV, ReleaseError, run
from dev.stack.compat.versions import Version

#: The Airflow whose constraints say what is installed: the one that the suite runs on.
AIRFLOW = "3.3.2"
SBOM = BUILD / f"{PACKAGE}-{__version__}.cdx.json"

#: Licences under which a deployment may use and pass on what is installed without publishing its own code, by their
#: SPDX identifiers or as classifiers name them.
ALLOWED = re.compile(
    r"0BSD|Apache(-2\.0| License 2\.0| Software License)|Artistic License|(2|3)-Clause BSD License|"
    r"BSD(-[23]-Clause| License)|CC0-1\.0|ISC( License \(ISCL\))?|"
    r"MIT(-0| License| No Attribution License \(MIT-0\))?|(MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\))|"
    r"PSF-2\.0|Python Software Foundation License|The Unlicense \(Unlicense\)|Unlicense|Zlib"
)


def environment(wheel: Path) -> Path:
    """
    Install the wheel with all extras, and nothing else, under the constraints of :data:`AIRFLOW`.

    :param wheel: the package
    :return: the environment's interpreter
    :raises ReleaseError: if it can't be installed
    """
    python = BUILD / "venv" / "bin" / "python"
    run("venv", UV, "venv", "--clear", "--python", sys.executable, BUILD / "venv")
    constraints = Version(AIRFLOW).constraints
    package = f"{PACKAGE}[{','.join(extras())}] @ {wheel.as_uri()}"
    install = (UV, "pip", "install", "--python", python, "--constraint", constraints)
    run("install", *install, f"apache-airflow=={AIRFLOW}", package)
    return python


def write_sbom(python: Path) -> int:
    """
    Write a bill of materials in CycloneDX's form, to :data:`SBOM`.

    :param python: of :func:`environment`
    :return: how many components it has
    :raises ReleaseError: if it can't be made
    """
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = ("--pyproject", ROOT / "pyproject.toml", "--mc-type", "library", "--output-reproducible")
    run("sbom", tool, "environment", python, *options, "--of", "JSON", "-o", SBOM)
    bill = with_version(json.loads(SBOM.read_text()))
    SBOM.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
    return len(bill["components"])


def with_version(bill: dict[str, Any]) -> dict[str, Any]:
    """
    Return a bill whose subject has its version, which pyproject.toml leaves to the code.

    :param bill: of cyclonedx-py, whose subject is the project; what is installed are its components
    :raises ReleaseError: if the bill is of another project, or has no components
    """
    subject = bill["metadata"]["component"]
    if subject["name"] != PACKAGE or not bill["components"]:
        raise ReleaseError(f"the bill of materials is not of {PACKAGE} and what is installed with it")
    subject = {**subject, "version": __version__, "purl": f"pkg:pypi/{PACKAGE}@{__version__}"}
    return {**bill, "metadata": {**bill["metadata"], "component": subject}}


def check_licences(python: Path) -> int:
    """
    Check that the licence of everything that is installed is one of :data:`ALLOWED`.

    :param python: of :func:`environment`
    :return: how many packages were looked at
    :raises ReleaseError: naming those that are not
    """
    tool = Path(sys.executable).with_name("pip-licenses")
    file = BUILD / "licences.json"
    run("licences", tool, f"--python={python}", "--from=mixed", "--format=json", f"--output-file={file}")
    found = {each["Name"]: each["License"] for each in json.loads(file.read_text())}
    refused = {name: licence for name, licence in found.items() if not is_allowed(licence)}
    if refused:
        raise ReleaseError(f"licences that are not in the list: {refused}")
    return len(found)


def is_allowed(licence: str) -> bool:
    """
    Return whether a licence is allowed: each part of an AND, one part of an OR.

    :param licence: an SPDX expression without brackets, or names of classifiers with semicolons, of which one counts
    """
    choices = re.split(r"; | OR ", licence)
    return any(all(ALLOWED.fullmatch(part.strip()) for part in choice.split(" AND ")) for choice in choices)


def check_vulnerabilities(python: Path) -> int:
    """
    Ask the package index for the known vulnerabilities of all that is installed.

    :param python: of :func:`environment`
    :return: how many packages were looked at
    :raises ReleaseError: for a vulnerability, and where the index gives no answer for a package
    """
    pins = BUILD / "installed.txt"
    listed = run("freeze", UV, "pip", "freeze", "--python", python)
    lines = [line for line in listed.splitlines() if "==" in line]
    pins.write_text("\n".join(lines) + "\n")
    tool = Path(sys.executable).with_name("pip-audit")
    options = ("--strict", "--no-deps", "--disable-pip", "--progress-spinner", "off")
    run("vulnerabilities", tool, *options, "--requirement", pins)
    return len(lines)
