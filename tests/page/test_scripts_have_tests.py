"""Each script of the page is named by a test here: ``plugins/static/style.js`` and ``style_parts.js`` are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.page_server import STATIC

SCRIPTS = sorted(path.name for path in STATIC.glob("*.js"))
TESTS = "\n".join(path.read_text().split('"""')[1] for path in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_named_by_a_test(script: str) -> None:
    assert f"{script}``" in TESTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_loads_nothing_from_elsewhere_and_makes_no_html(script: str) -> None:
    text = (STATIC / script).read_text()
    for call in ("innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "eval(", "document.write"):
        assert call not in text
    assert "http://" not in text
    assert "https://" not in text
    assert "document.cookie" not in text


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_short(script: str) -> None:
    assert len((STATIC / script).read_text().splitlines()) <= 300
