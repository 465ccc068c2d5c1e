"""Extra links: the buttons of a task in Airflow's UI."""

from __future__ import annotations
