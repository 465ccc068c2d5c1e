"""
Build the documentation and check it: ``python -m dev.site``, or ``make docs``.

The site is in ``build/docs``. Exit code 1 if Sphinx warns, a link leads nowhere, or a page would load something from
another server. No network is used: addresses of other sites are written to ``build/docs-external.txt``.
"""

from __future__ import annotations

import shutil
import sys

from dev.site.build import SiteError, build_site
from dev.site.links import check_links
from dev.site.markdown import ROOT

SITE = ROOT / "build" / "docs"
EXTERNAL = ROOT / "build" / "docs-external.txt"


def main() -> int:
    """
    Build and check.

    :return: exit code
    """
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.parent.mkdir(exist_ok=True)
    try:
        build_site(SITE)
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    links = check_links(SITE)
    EXTERNAL.write_text("".join(f"{address}\n" for address in links.external))
    for broken in links.broken:
        print(f"leads nowhere: {broken}", file=sys.stderr)
    for load in links.loads:
        print(f"is loaded from another server: {load}", file=sys.stderr)
    pages = sum(1 for _ in SITE.rglob("*.html"))
    print(
        f"docs: {pages} pages in {SITE.relative_to(ROOT)}, {links.checked} links within the site, "
        f"{len(links.broken)} broken, {len(links.external)} addresses of other sites "
        f"(in {EXTERNAL.relative_to(ROOT)}, not asked)"
    )
    return 1 if links.broken or links.loads else 0


if __name__ == "__main__":
    sys.exit(main())
