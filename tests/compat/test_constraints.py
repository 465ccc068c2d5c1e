"""The constraint files, and that nothing that this package requires is newer than what they pin."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from dev.stack.compat.checks import DAG_IDS
from dev.stack.compat.versions import CONSTRAINTS, ROOT, VERSIONS, Version as AirflowVersion

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(text)
    for text in (
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["parquet"],
        *PROJECT["optional-dependencies"]["sandbox"],
    )
]


def pins(file: Path) -> dict[str, Version]:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+]+( ; [^/]+)?", line)], file
    return {canonicalize_name(name): Version(rest.split(" ")[0]) for name, rest in (line.split("==") for line in lines)}


@pytest.mark.parametrize("number", VERSIONS)
def test_every_requirement_allows_what_is_pinned(number: str) -> None:
    pinned = pins(AirflowVersion(number).constraints)
    assert pinned["apache-airflow"] == Version(number)
    refused = {
        requirement.name: str(pinned[name])
        for requirement in REQUIREMENTS
        if (name := canonicalize_name(requirement.name)) in pinned
        and not requirement.specifier.contains(pinned[name], prereleases=True)
    }
    assert refused == {}


def test_the_check_would_notice() -> None:
    """The floor that conflicted with all of them."""
    compat = Requirement("apache-airflow-providers-common-compat>=1.23.0")
    pinned = {number: pins(AirflowVersion(number).constraints)[compat.name] for number in VERSIONS}
    assert [n for n, version in pinned.items() if compat.specifier.contains(version)] == ["3.4.0b2"]


def test_pre_releases_are_pinned_for_the_coming_version_alone() -> None:
    for number in VERSIONS:
        airflow = [str(v) for name, v in pins(AirflowVersion(number).constraints).items() if name == "apache-airflow"]
        assert airflow == [number]
    assert [number for number in VERSIONS if Version(number).is_prerelease] == ["3.4.0b2"]


def test_each_file_is_used() -> None:
    assert {file.name for file in CONSTRAINTS.glob("*.txt")} == {
        "development.txt",
        *(f"airflow-{number}.txt" for number in VERSIONS),
    }


def test_the_lowest_version_is_the_floor_that_the_package_states() -> None:
    (airflow,) = (each for each in REQUIREMENTS if each.name == "apache-airflow")
    assert airflow.specifier.contains(VERSIONS[0])
    assert str(airflow.specifier) == ">=2.11.0"


def test_every_example_dag_is_counted() -> None:
    text = "".join(file.read_text() for file in (ROOT / "example_dags").glob("*.py"))
    found = {*re.findall(r'DAG\(\s*"(\w+)"', text), *re.findall(r"@dag\(.*?\ndef (\w+)", text, re.DOTALL)}
    assert found == set(DAG_IDS)


def test_the_gate_runs_the_oldest_and_the_newest() -> None:
    assert f'make compat VERSIONS="{VERSIONS[0]} {VERSIONS[-1]}" STACK=0\n' in (ROOT / ".ci" / "run").read_text()
