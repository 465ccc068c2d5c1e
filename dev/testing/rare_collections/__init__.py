"""
Fewer garbage collections in the processes that tests start.

They are over after a minute, and import Airflow first: with Python's own threshold of 700 objects a fifth of that
import goes into visiting what is imported, again and again, and a seventh of the CPU time of all tests.
"""

from __future__ import annotations

import os
from pathlib import Path

#: As ``PYTHONPATH`` of a process: Python imports the ``sitecustomize`` of this folder before the program.
FOLDER = Path(__file__).parent


def default_environment() -> dict[str, str]:
    """Return this process's environment for a process whose memory is measured: it collects as a user's does."""
    return {name: value for name, value in os.environ.items() if value != str(FOLDER)}
