"""
From a page of ``docs/`` as a code host shows it to the page that Sphinx reads.

- ``<!-- site`` ... ``-->`` is for the site alone: a table of contents, a directive.
- ``<!-- host -->`` ... ``<!-- /host -->`` is for the code host alone: what the site shows in another way.
- A link to a page that is not in ``docs/`` leads to the page of the site that includes it (:data:`PAGES`). One to
  another file of the repository is left to MyST, which copies the file; one to a folder, or to a page that the site
  does not have, becomes its text.

In a table of contents the line ``(all other pages)`` stands for the pages of ``docs/`` that the page does not name,
elsewhere ``(all messages)`` for the messages of :mod:`dev.site.errors`.

Lines are kept, so that the line that a warning names is that of the page.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from dev.site.errors import messages_page

ROOT = Path(__file__).resolve().parents[2]

#: A file or folder of the repository: the page of the site, without suffix, that shows it.
PAGES = {
    "README.md": "readme",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    "SECURITY.md": "security",
    "docs": "index",
    "example_dags": "examples",
}

_REST = re.compile(r"^\(all other pages\)$", re.MULTILINE)
_MESSAGES = re.compile(r"^\(all messages\)$", re.MULTILINE)
_SITE = re.compile(r"^<!-- site\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
_HOST = re.compile(r"^<!-- host -->\n.*?^<!-- /host -->$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def for_site(page: str, text: str) -> str:
    """
    Return a page as Sphinx is to read it.

    :param page: its path in the repository, such as ``docs/submit.md``
    :param text: its Markdown
    """
    text = _HOST.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _SITE.sub(lambda found: f"\n{found[1]}", text)
    text = _MESSAGES.sub(lambda _: messages_page(), text)
    text = _REST.sub(lambda _: "\n".join(_other_pages(text)), text)
    kept, at = [], 0
    for fence in _FENCE.finditer(text):
        kept += [_links(page, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*kept, _links(page, text[at:])])


def _other_pages(text: str) -> list[str]:
    named = {*re.findall(r"^(?:.*<)?([\w/]+)>?$", text, re.MULTILINE), "index"}
    return sorted({page.stem for page in (ROOT / "docs").glob("*.md")} - named)


def _links(page: str, text: str) -> str:
    return _LINK.sub(lambda found: _link(page, found), text)


def _link(page: str, found: re.Match[str]) -> str:
    words, target, anchor = found[1], found[2], found[3] or ""
    if re.match(r"[a-z]+:", target):
        return found[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    if path in PAGES:
        here = posixpath.relpath(
            f"docs/{PAGES[path]}.md", "docs" if not page.startswith("docs/") else Path(page).parent
        )
        return f"[{words}]({here}{anchor})"
    if (ROOT / path).is_dir() or (path.endswith(".md") and not path.startswith("docs/")):
        return words
    if not page.startswith("docs/"):  # included by a page of docs/
        target = posixpath.relpath(path, "docs")
    return f"[{words}]({target}{anchor})"
