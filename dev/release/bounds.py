"""The lower bounds that ``pyproject.toml`` declares, and the record of the last run under them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
#: Written by ``make lowest``, read by the tests: of which bounds the last run was, and what a resolver made of them.
RECORD = ROOT / "dev" / "constraints" / "lowest.json"
PACKAGE = "airflow-provider-ekyc"


def project() -> dict[str, Any]:
    """Return the table ``[project]`` of ``pyproject.toml``."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def declared_bounds() -> dict[str, str]:
    """
    Return the lower bound of each requirement, those of the extras among them: name -> version.

    :raises ValueError: for a requirement without a lower bound, or with two that differ
    """
    table = project()
    texts = [*table["dependencies"], *(text for extra in table["optional-dependencies"].values() for text in extra)]
    bounds: dict[str, str] = {}
    for requirement in map(Requirement, texts):
        name = canonicalize_name(requirement.name)
        if name == PACKAGE:
            continue  # an extra that includes another one
        lower = [specifier.version for specifier in requirement.specifier if specifier.operator == ">="]
        if len(lower) != 1 or bounds.setdefault(name, lower[0]) != lower[0]:
            raise ValueError(f"{name} needs one lower bound")
    return dict(sorted(bounds.items()))


def extras() -> list[str]:
    """Return the names of the extras."""
    return sorted(project()["optional-dependencies"])


@dataclass(frozen=True, slots=True)
class LowestRun:
    """
    A run under the lower bounds.

    :param airflow: version of Airflow for which ``lowest_direct`` was resolved
    :param python: minor version of Python
    :param bounds: what was declared, name -> version
    :param lowest_direct: what ``uv pip compile --resolution lowest-direct`` resolved for the same names
    """

    airflow: str
    python: str
    bounds: dict[str, str]
    lowest_direct: dict[str, str]

    def write(self) -> None:
        """Write the record."""
        RECORD.write_text(json.dumps(asdict(self), indent=2) + "\n")


def last_run() -> LowestRun:
    """Return the record of the last run."""
    return LowestRun(**json.loads(RECORD.read_text()))
