"""Bring a remote task into being, without the operator."""

from __future__ import annotations

import io

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.sandbox import Sandbox

NUMBERS = "".join(f"+999{number:010d}\n" for number in range(200)).encode()


def submitted(sandbox: Sandbox, numbers: bytes = NUMBERS) -> str:
    """Submit numbers to the sandbox and return the remote task's id."""
    extra = {"ca_file": str(sandbox.ca_file)} if sandbox.ca_file else {}
    settings = read_settings("made_up", host=sandbox.url, password=sandbox.api_key, extra=extra)
    with EkycClient(settings, retries=Retries(attempts=1)) as client:
        return client.submit(io.BytesIO(numbers), len(numbers), "amazon").ekyc_task_id
