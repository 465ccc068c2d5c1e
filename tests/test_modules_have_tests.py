"""Each module of the package is named by a test file where CONTRIBUTING.md says, by an import or by its path."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "airflow_provider_ekyc"
MODULES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)


def table() -> dict[str, list[Path]]:
    """Return the table of CONTRIBUTING.md: room -> folders of tests."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    chapter = page.partition("## Which tests cover which module")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in chapter.splitlines() if line.startswith("| `")]
    return {room.strip("`"): [ROOT / folder for folder in re.findall(r"`([^`]+)`", folders)] for room, folders in lines}


def room_of(module: str) -> str:
    """Return the folder of a module as the table has it."""
    return f"{module.rpartition('/')[0]}/" if "/" in module else "*.py"


def named(test: Path) -> Iterator[str]:
    """Yield the modules that a test file names: in imports, in names given to monkeypatch, in its docstring."""
    tree = ast.parse(test.read_text())
    dotted = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            dotted |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            dotted |= {node.value, node.value.rpartition(".")[0]}
    docstring = ast.get_docstring(tree) or ""
    for module in MODULES:
        if f"airflow_provider_ekyc.{module[:-3].replace('/', '.')}" in dotted or f"``{module}``" in docstring:
            yield module


def test_the_table_has_each_room_and_no_other() -> None:
    assert set(table()) == {room_of(module) for module in MODULES}


@pytest.mark.parametrize("room", sorted({room_of(module) for module in MODULES}))
def test_each_module_of_a_room_is_named_by_a_test(room: str) -> None:
    folders = table()[room]
    files = [
        file
        for folder in folders
        for file in (folder.glob("test_*.py") if folder == ROOT / "tests" else folder.rglob("test_*.py"))
    ]
    found = {module for file in files for module in named(file)}
    assert [module for module in MODULES if room_of(module) == room and module not in found] == []
