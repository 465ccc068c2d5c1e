"""
Which lines and branches of the package the tests reach: recorded beside the tests, and reported after them.

``make unit`` records and reports; ``CONTRIBUTING.md`` describes it.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = "airflow_provider_ekyc"
ROOT = Path(__file__).parents[2]

#: Where each process writes a file, below the folder in which pytest runs.
FOLDER = Path("build") / "coverage"
