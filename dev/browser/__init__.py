"""Airflow's web UI in a real browser: page objects, the deployment they open, pictures for the documentation.

Debian's Chromium is driven by Playwright, whose package contains its own driver and downloads no browser.
"""

from __future__ import annotations
