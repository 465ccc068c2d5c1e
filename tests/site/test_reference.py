"""The API reference shows all that is public, on the site and, as links, on a code host."""

from __future__ import annotations

import re

import pytest

from dev.site.markdown import ROOT, for_site

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
PUBLIC = re.findall(r"^### `(\w+)`$", (ROOT / "docs" / "public_api.md").read_text(encoding="utf-8"), re.MULTILINE)
_DIRECTIVE = re.compile(r"^\.\. auto(?:class|function|data):: \S+\.(\w+)$", re.MULTILINE)
DOCUMENTED = _DIRECTIVE.findall(for_site("docs/reference.md", PAGE))


def test_public_classes_are_found() -> None:
    assert {"EkycSubmitOperator", "EkycTaskSensor", "EkycResultsToS3Operator", "verify_numbers"} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_is_shown(name: str) -> None:
    assert name in DOCUMENTED
    assert f"[`{name}`](../airflow_provider_ekyc/" in PAGE, "no link for a reader on a code host"


def test_nothing_is_shown_twice() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED))
