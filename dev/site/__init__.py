"""
The documentation as a site: Sphinx over ``docs/``, and the checks of what it builds.

``make docs`` is ``python -m dev.site``. The pages are plain Markdown, as a code host shows it; what only the site
can show is in comments of them, which :mod:`dev.site.markdown` describes.
"""
