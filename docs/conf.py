"""Sphinx's configuration. ``make docs`` builds the site; ``dev/site`` has what is ours."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# The API reference imports Airflow, which makes its configuration where this says.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ekyc-docs-"))

from airflow_provider_ekyc import __version__  # noqa: E402

project = "airflow-provider-ekyc"
author = "The authors of airflow-provider-ekyc"
release = version = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "dev.site.extension",
]
root_doc = "index"
source_suffix = {".md": "markdown"}
exclude_patterns = ["_static"]
smartquotes = False

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature has them; a second list would repeat each parameter
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

# A prompt is not part of a command.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"airflow-provider-ekyc {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#017cee", "color-brand-content": "#0b62b8"},
    "dark_css_variables": {"color-brand-primary": "#4aa8ff", "color-brand-content": "#6cb8ff"},
}
