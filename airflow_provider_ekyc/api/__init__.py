"""The protocol of the eKYC API: requests, answers, failures. Free of Airflow."""

from __future__ import annotations
