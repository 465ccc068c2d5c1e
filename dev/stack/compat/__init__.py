"""``make compat``: the wheel under each supported version of Airflow."""

from __future__ import annotations
