"""What a package index and an installer receive: the files, the metadata, and the page, from a real build."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from readme_renderer.markdown import render

from airflow_provider_ekyc import __version__
from tests.test_doc_links import anchors

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
SOURCE: str = PROJECT["urls"]["Source"]

_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """The wheel's files: path -> content."""
    (file,) = built.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(built: Path) -> dict[str, bytes]:
    """The sdist's files: path below its folder -> content."""
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        members = [member for member in archive if member.isfile()]
        contents = {member.name.partition("/")[2]: archive.extractfile(member) for member in members}
        return {name: content.read() for name, content in contents.items() if content is not None}


@pytest.fixture(scope="module")
def metadata(wheel: dict[str, bytes]) -> Message:
    """The wheel's metadata; its payload is the page."""
    return HeaderParser().parsestr(wheel[f"airflow_provider_ekyc-{__version__}.dist-info/METADATA"].decode())


def test_the_wheel_has_the_package_and_nothing_else(wheel: dict[str, bytes]) -> None:
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "airflow_provider_ekyc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"airflow_provider_ekyc-{__version__}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    assert set(wheel) == package | about
    assert "airflow_provider_ekyc/py.typed" in package


def test_the_sdist_has_what_is_needed_to_build_and_to_read(sdist: dict[str, bytes]) -> None:
    top = {name.partition("/")[0] for name in sdist}
    assert top == {
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "SECURITY.md",
        "airflow_provider_ekyc",
        "docs",
        "example_dags",
        "pyproject.toml",
    }
    assert "docs/privacy.md" in sdist
    assert not [name for name in sdist if name.endswith((".pyc", ".log"))]


def test_older_indexes_know_the_version_of_the_metadata(metadata: Message, sdist: dict[str, bytes]) -> None:
    assert metadata["Metadata-Version"] == "2.2"
    assert sdist["PKG-INFO"].decode() == metadata.as_string()
    assert metadata["License"] == "Apache-2.0"


def test_the_published_metadata_has_no_extra_for_development(metadata: Message) -> None:
    assert metadata.get_all("Provides-Extra") == ["excel", "iceberg", "parquet", "phonenumbers", "sandbox"]
    required = {Requirement(text).name for text in metadata.get_all("Requires-Dist", [])}
    tools = {Requirement(text).name for text in PYPROJECT["dependency-groups"]["dev"] if isinstance(text, str)}
    assert required & tools == {"pyiceberg"}


def test_the_project_says_who_and_where(metadata: Message) -> None:
    assert metadata["Author"] == metadata["Maintainer"] == "The airflow-provider-ekyc maintainers"
    assert "apache-airflow" in metadata["Keywords"].split(",")
    urls = dict(text.split(", ", 1) for text in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Documentation", "Source", "Issues", "Changelog", "Security"}
    assert all(url.startswith(SOURCE) for url in urls.values())
    for name in ("Documentation", "Changelog"):
        assert (ROOT / urls[name].partition("/main/")[2]).exists()


def test_each_link_of_the_page_is_absolute_and_leads_to_a_file_of_this_version(metadata: Message) -> None:
    page = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text()
    relative = [link for link in _LINK.findall(readme) if not re.match(r"[a-z]+:|#", link)]
    assert len(relative) > 30, "there is something to check"
    start = f"{SOURCE}/blob/v{__version__}/"
    targets = [link.removeprefix(start) for link in _LINK.findall(page) if link.startswith(start)]
    assert targets == relative
    for target in targets:
        file, _, anchor = target.partition("#")
        assert (ROOT / file).exists(), target
        assert not anchor or anchor in anchors(ROOT / file), target
    rest = [link for link in _LINK.findall(page) if not link.startswith(start)]
    assert [link for link in rest if not re.match(r"https://|#", link)] == []


def test_an_index_renders_the_page(metadata: Message) -> None:
    html = render(str(metadata.get_payload()))
    assert html is not None, "no renderer is installed, and twine's check would pass any page"
    readme = (ROOT / "README.md").read_text()
    assert html.count("<table>") == len(re.findall(r"^\| --- ", readme, re.MULTILINE)) > 1
    targets = re.findall(r'href="([^"]*)"', html)
    assert len(targets) > 30
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "&lt;" not in html.replace("&lt;your key", ""), "tags that the index does not know"


def test_the_page_is_the_readme_but_for_its_links(metadata: Message) -> None:
    readme = (ROOT / "README.md").read_text()
    assert _LINK.sub("](...)", str(metadata.get_payload())).strip() == _LINK.sub("](...)", readme).strip()
    assert "<img" not in readme, "the source of an image needs an absolute address of its own"
    assert not re.search(r"^\[[^\]]+\]:", readme, re.MULTILINE), "references are not made absolute"


def test_the_build_is_pinned_to_what_the_tests_build_with() -> None:
    pins = dict(requirement.split("==") for requirement in PYPROJECT["build-system"]["requires"])
    lines = (ROOT / "dev" / "constraints" / "development.txt").read_text().splitlines()
    installed = dict(line.partition(" ;")[0].split("==") for line in lines if "==" in line and line[0] != "#")
    assert pins == {name: installed[name] for name in ("hatchling", "hatch-fancy-pypi-readme")}


def test_the_changelog_lists_changes_by_kind() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    kinds = ["Breaking changes", "Features", "Bug fixes", "Misc"]
    for version in text.split("\n## ")[1:]:
        found = re.findall(r"^### (.*)", version, re.MULTILINE)
        assert found
        assert found == sorted(found, key=kinds.index), version.partition("\n")[0]
    assert text.partition("\n## ")[2].startswith(__version__)
