"""The documentation as a site: no warning, no broken link, nothing that is loaded from another server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_ekyc.ways_out import WAYS_OUT
from dev.site.build import build_site
from dev.site.links import check_links
from dev.site.markdown import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the whole site once."""
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


def test_each_link_leads_somewhere_and_nothing_is_loaded_from_another_server(site: Path) -> None:
    links = check_links(site)
    assert links.broken == []
    assert links.loads == []
    assert links.checked > 3000


def test_each_page_of_the_folder_is_in_the_navigation(site: Path) -> None:
    sidebar = (site / "index.html").read_text().partition('<div class="sidebar-tree">')[2].partition("</aside>")[0]
    named = set(re.findall(r'href="([\w/]+)\.html"', sidebar))
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert named == pages - {"index"}


def test_an_entry_of_the_runbook_has_the_anchor_that_a_failed_task_names(site: Path) -> None:
    anchors = set(re.findall(r'id="(\w+)"', (site / "runbook.html").read_text()))
    assert set(WAYS_OUT) <= anchors


def test_the_examples_and_the_reference_are_shown_in_full(site: Path) -> None:
    examples = (site / "examples.html").read_text()
    for path in (ROOT / "example_dags").glob("*.py"):
        assert f"{path.name}" in examples
    assert examples.count('<span class="nn">airflow.sdk</span>') >= 10
    reference = (site / "reference.html").read_text()
    assert 'id="airflow_provider_ekyc.operators.ekyc.EkycSubmitOperator"' in reference
    assert 'id="airflow_provider_ekyc.exceptions.EkycUnknownOutcomeError"' in reference
