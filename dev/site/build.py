"""Build the site by Sphinx, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.site.markdown import ROOT


class SiteError(Exception):
    """Sphinx has warnings, or has failed: what it says."""


def build_site(target: Path) -> None:
    """
    Build ``docs/`` into a folder; a warning is an error. All pages are read: those that did not change may warn too.

    :param target: folder of the HTML
    :raises SiteError: if Sphinx has warnings or fails
    """
    with tempfile.TemporaryDirectory(prefix="ekyc-docs-") as folder:
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
        command += ["-d", f"{folder}/doctrees", str(ROOT / "docs"), str(target)]
        environment = {**os.environ, "AIRFLOW_HOME": folder, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SiteError(done.stderr)
