"""
What Sphinx needs beside MyST for the pages of ``docs/``: their site comments, and their anchors as on a code host.

A heading's anchor is its name as GitHub makes it (``#unknown_outcome``), also in the HTML, where docutils would make
``#unknown-outcome``: the log of a failed task names it. ``<a id="...">`` in a page is an anchor too.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from dev.site.markdown import ROOT, for_site

_ANCHOR = re.compile(r'<a id="([^"]+)">')


class GitHubAnchors(SphinxTransform):
    """Gives each section the anchor that a code host gives it, and makes anchors written as HTML known to MyST."""

    default_priority = 878  # right before MyST resolves links within a page

    def apply(self, **kwargs: Any) -> None:
        """Add the anchors of one page."""
        slugs: dict[str, tuple[int, str, str]] = getattr(self.document, "myst_slugs", {})
        for slug, (_, identifier, _) in slugs.items():
            section = self.document.ids.get(identifier)
            if section is not None and slug not in section["ids"]:
                section["ids"].append(slug)
        for raw in self.document.findall(nodes.raw):
            for anchor in _ANCHOR.findall(raw.astext()):
                slugs[anchor] = (raw.line or 0, anchor, "")
        self.env.metadata[self.env.docname]["myst_slugs"] = slugs


def read_page(app: Sphinx, name: str, content: list[str]) -> None:
    """Turn a page into what the site shows, before it is parsed."""
    path = app.env.doc2path(name)
    content[0] = for_site(path.relative_to(ROOT).as_posix(), content[0])


def read_included(app: Sphinx, relative_path: Any, parent: str, content: list[str]) -> None:
    """Do the same with a file that a page includes."""
    path = (ROOT / "docs" / relative_path).resolve().relative_to(ROOT).as_posix()
    content[0] = for_site(path, content[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
    app.add_transform(GitHubAnchors)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
