"""What the site makes of a page, and which broken links it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.site.links import check_links
from dev.site.markdown import for_site


@pytest.mark.parametrize(
    ("page", "text", "shown"),
    [
        ("docs/a.md", "<!-- site\nfor the site\n-->\nboth", "\nfor the site\n\nboth"),
        ("docs/a.md", "<!-- host -->\nfor a code host\n<!-- /host -->\nboth", "\n\n\nboth"),
        ("docs/a.md", "<!-- a comment -->", "<!-- a comment -->"),
        ("docs/a.md", "[x](../CONTRIBUTING.md#set-up)", "[x](contributing.md#set-up)"),
        ("docs/es/a.md", "[x](../../CONTRIBUTING.md)", "[x](../contributing.md)"),
        ("docs/a.md", "[x](../example_dags/)", "[x](examples.md)"),
        ("docs/a.md", "[x](../dev/constraints/)", "x"),
        ("docs/a.md", "[x](../tests/outcomes/rows.md)", "x"),
        ("docs/a.md", "[`x`](../dev/site/links.py)", "[`x`](../dev/site/links.py)"),
        (
            "docs/a.md",
            "[x](submit.md#xcoms) [y](https://example.com/a)",
            "[x](submit.md#xcoms) [y](https://example.com/a)",
        ),
        ("CONTRIBUTING.md", "[x](docs/submit.md#xcoms)", "[x](submit.md#xcoms)"),
        ("docs/a.md", "```\n[x](../README.md)\n```\n[x](../README.md)", "```\n[x](../README.md)\n```\n[x](readme.md)"),
    ],
)
def test_a_page_for_the_site(page: str, text: str, shown: str) -> None:
    assert for_site(page, text) == shown


def test_lines_are_kept() -> None:
    text = "a\n<!-- site\nb\n-->\n<!-- host -->\nc\n\nd\n<!-- /host -->\nlast"
    assert for_site("docs/a.md", text).splitlines().index("last") == text.splitlines().index("last")


def test_broken_links_and_what_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="#gone">2</a><a href="b.html#there">3</a><a href="b.html#gone">4</a>'
        '<a href="c.html">5</a><a href="https://example.com/x">6</a><img src="https://example.com/x.png">'
    )
    (tmp_path / "b.html").write_text('<a name="there" href="mailto:a@example.com">')
    links = check_links(tmp_path)
    assert links.broken == ["a.html: #gone", "a.html: b.html#gone", "a.html: c.html"]
    assert links.loads == ["a.html: https://example.com/x.png"]
    assert links.external == ["https://example.com/x", "https://example.com/x.png"]
    assert links.checked == 5
