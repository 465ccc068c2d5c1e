"""
A pytest plugin that records which lines and branches of the package the tests reach: ``-p dev.coverage.recorder``.

SlipCover puts its probes into the code of a module when it is imported, and takes them out again once they have
counted: the tests take as long as without it. (A tracer, as of coverage.py under Python 3.11, takes as much time again
as the tests.) What is recorded is of the tests' own processes, not of those that they start.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
import slipcover
from slipcover.importer import SlipcoverLoader

from dev.coverage import FOLDER, PACKAGE, ROOT

_recorder = slipcover.Slipcover(branch=True, source=[str(ROOT / PACKAGE)])


class PackageFinder(MetaPathFinder):
    """Has the modules of the package recorded, and leaves all others to Python."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module of the package with a loader that puts probes into it; None for all others."""
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.origin is not None:
            spec.loader = SlipcoverLoader(_recorder, spec.loader, spec.origin)
        return spec


# Before the package's own pytest plugin, which is an entry point: plugins of the command line are imported first.
sys.meta_path.insert(0, PackageFinder())


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this process has recorded."""
    folder = session.config.rootpath / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    (folder / f"{name}.json").write_text(json.dumps(_recorder.get_coverage()))
