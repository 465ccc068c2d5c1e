"""Modules of this checkout, run as commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def run_module(module: str, *arguments: str, timeout: float = 900.0) -> tuple[int, str]:
    """
    Run ``python -m MODULE``.

    :param timeout: seconds
    :return: its exit code, and what it printed
    :raises RuntimeError: if it ended with a traceback
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    if "Traceback" in done.stderr:
        raise RuntimeError(done.stderr[-2000:])
    return done.returncode, done.stdout
