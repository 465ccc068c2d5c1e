"""Whether each link of the built site leads somewhere, without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Attributes that name another file or page.
_ADDRESSES = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "srcset", "object": "data"}


class _Page(HTMLParser):
    """Anchors and links of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        #: What a browser would load from elsewhere while it shows the page.
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors and the address of one element."""
        found = dict(attrs)
        self.anchors |= {str(found[name]) for name in ("id", "name") if found.get(name)}
        address = found.get(_ADDRESSES.get(tag, ""))
        if address:
            self.links.append(address)
            if tag != "a" and urlsplit(address).scheme in ("http", "https"):
                self.loads.append(address)


@dataclass(slots=True)
class Links:
    """
    What the links of a site lead to.

    :param broken: page and address, of each that leads nowhere
    :param loads: page and address, of each that a browser would load from another server
    :param external: addresses of other sites, each once, in order
    :param checked: how many links within the site were looked at
    """

    broken: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)
    checked: int = 0


def check_links(site: Path) -> Links:
    """
    Look at all links of all pages.

    :param site: folder of the built site
    :return: what they lead to; other sites are listed, not asked
    """
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    links, external = Links(), set()
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        links.loads += [f"{name}: {address}" for address in page.loads]
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if parts.scheme in ("http", "https"):
                    external.add(address)
                continue
            links.checked += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set()
            lost = parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in anchors
            if not target.is_file() or lost:
                links.broken.append(f"{name}: {address}")
    links.external = sorted(external)
    return links


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page
