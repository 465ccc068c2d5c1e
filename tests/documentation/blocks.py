"""The code blocks of README and documentation; where those are run that are not run here, and what is not run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Page and beginning of a block: the test that runs it.
RUN_ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("docs/freshness.md", "from datetime import"): "tests/history/test_freshness_page.py",
    ("docs/monitoring.md", "from airflow.providers.smtp"): "tests/notifications/test_ekyc.py",
    ("docs/prepare.md", "EkycPrepareNumbersOperator("): "tests/preparation/test_prepare_page.py",
    ("docs/privacy.md", "import pyarrow.compute"): "tests/test_privacy_page.py",
    ("docs/warehouse.md", "import polars"): "tests/warehouse/test_warehouse_page.py",
    ("docs/warehouse.md", '{\n  "Rules"'): "tests/warehouse/test_warehouse_page.py",
}

#: Page and beginning of a command: why no test runs it. Its parts are compared with what they name all the same.
NOT_RUN: Mapping[tuple[str, str], str] = {
    ("CONTRIBUTING.md", "git clone"): "the repository's address is the reader's",
    ("CONTRIBUTING.md", ".venv/bin/pre-commit install"): "it would change the checkout that is tested",
    ("docs/monitoring.md", "statsd_exporter"): "in neither Debian nor PyPI; its mapping is read in tests/monitoring",
    (
        "docs/testing_your_dags.md",
        "pytest",
    ): "tests/test_testing_your_dags.py runs the reader's project",
    ("docs/runbook.md", 'curl -X POST "$AIRFLOW_URL'): "needs an Airflow; its body is read by Airflow's own model",
}


@dataclass(frozen=True, slots=True)
class Block:
    """
    A fenced block.

    :param page: path in the repository
    :param line: of its fence
    :param info: what stands behind the fence, such as ``sql duckdb trino``
    :param code: its lines, without the indentation of a list
    """

    page: str
    line: int
    info: str
    code: str

    @property
    def language(self) -> str:
        """The first word behind the fence; empty for plain text."""
        return self.info.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, in their order."""
    name, found, begun = page.relative_to(ROOT).as_posix(), [], None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = re.match(r" *```+(.*)$", line)
        if fence and begun is None:
            begun = (number, fence[1].strip(), list[str]())
        elif fence and begun:
            found.append(Block(name, begun[0], begun[1], textwrap.dedent("\n".join(begun[2])) + "\n"))
            begun = None
        elif begun:
            begun[2].append(line)
    assert begun is None, f"{name}: a fence that is not closed"
    return found


def pages() -> list[Path]:
    """Return the pages that have blocks of their own: not the translations, which have the same as the originals."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


BLOCKS = [block for page in pages() for block in blocks_of(page)]


def elsewhere(block: Block) -> str | None:
    """Return the test that runs a block, if it is not run here."""
    for (page, beginning), test in RUN_ELSEWHERE.items():
        if block.page == page and block.code.startswith(beginning):
            return test
    return None


def of_language(*languages: str) -> list[Block]:
    """Return the blocks of these languages that are run here."""
    return [block for block in BLOCKS if block.language in languages and elsewhere(block) is None]
