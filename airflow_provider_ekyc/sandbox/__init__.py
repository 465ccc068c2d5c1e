"""The eKYC API on your own machine, for tests and demos. Start with :class:`Sandbox`."""

from __future__ import annotations

from airflow_provider_ekyc.sandbox.answers import expected_answer
from airflow_provider_ekyc.sandbox.faults import Fault
from airflow_provider_ekyc.sandbox.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.settings import Settings

__all__ = ["Fault", "Sandbox", "Settings", "expected_answer"]
