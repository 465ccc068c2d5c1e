"""The page "eKYC" of Airflow's UI (Airflow 3.1 and later), and the routes that it reads and writes through."""

from __future__ import annotations
