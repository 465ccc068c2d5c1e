"""
What ``make release-check`` decides. The whole run is a target of its own.

Modules: ``dev.release.builds``, ``dev.release.check``, ``dev.release.dependencies``.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc import __version__
from dev.release.bounds import PACKAGE
from dev.release.builds import ReleaseError, check_files, run, sha256_of
from dev.release.check import changelog_heading
from dev.release.dependencies import is_allowed, with_version


def built(folder: Path, *, wheel: str = "", sdist: str = "") -> dict[str, Path]:
    """A wheel and an sdist with one file more than they should have, if it is named."""
    files = {"wheel": folder / "made_up-1.whl", "sdist": folder / "made_up-1.tar.gz"}
    with zipfile.ZipFile(files["wheel"], "w") as archive:
        for name in filter(None, ("airflow_provider_ekyc/a.py", "made_up-1.dist-info/METADATA", wheel)):
            archive.writestr(name, "")
    with tarfile.open(files["sdist"], "w:gz") as packed:
        for name in filter(
            None, ("airflow_provider_ekyc/a.py", "docs/a.md", "example_dags/a.py", "pyproject.toml", sdist)
        ):
            packed.addfile(tarfile.TarInfo(f"made_up-1/{name}"), io.BytesIO())
    return files


def test_files_that_belong_there_are_counted(tmp_path: Path) -> None:
    assert check_files(built(tmp_path)) == {"wheel": 2, "sdist": 4}


@pytest.mark.parametrize(
    "more", [{"wheel": "airflow/providers/a.py"}, {"wheel": "tests/a.py"}, {"sdist": "dev/fuzz/a.py"}]
)
def test_a_folder_that_does_not_belong_there_is_an_error(tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(ReleaseError, match=f"the {next(iter(more))} has the folders"):
        check_files(built(tmp_path, **more))


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("Artistic License; GNU General Public License (GPL)", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("GNU Affero General Public License v3", False),
        ("LicenseRef-Proprietary", False),
        ("UNKNOWN", False),
        ("", False),
        ("MIT-like", False),
    ],
)
def test_a_licence_is_allowed_by_name_alone(licence: str, allowed: bool) -> None:
    assert is_allowed(licence) is allowed


def bill(name: str, *components: str) -> dict[str, Any]:
    return {"metadata": {"component": {"name": name}}, "components": [{"name": each} for each in components]}


def test_the_subject_of_the_bill_has_its_version() -> None:
    found = with_version(bill(PACKAGE, "isal"))
    assert found["metadata"]["component"] == {
        "name": PACKAGE,
        "version": __version__,
        "purl": f"pkg:pypi/{PACKAGE}@{__version__}",
    }
    assert found["components"] == [{"name": "isal"}]


@pytest.mark.parametrize("wrong", [bill("another", "isal"), bill(PACKAGE)], ids=["of another", "empty"])
def test_a_bill_of_something_else_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match="is not of airflow-provider-ekyc"):
        with_version(wrong)


def test_a_step_that_fails_is_an_error_that_names_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dev.release.builds.BUILD", tmp_path)
    monkeypatch.setattr("dev.release.builds.ROOT", tmp_path)
    assert run("listed", "echo", "made up") == "made up\n"
    with pytest.raises(ReleaseError, match=r"^broken failed; see broken\.log$"):
        run("broken", "false")


def test_files_are_compared_by_their_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"made up")
    (tmp_path / "b").write_bytes(b"made up")
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b")


def test_the_changelog_begins_with_this_version() -> None:
    assert changelog_heading()
