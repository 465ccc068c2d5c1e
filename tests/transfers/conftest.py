"""What the transfer's tests share: tasks in the sandbox, and retries that do not wait."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.s3 import target
from airflow_provider_ekyc.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, one straight after the other."""
    monkeypatch.setattr(Retries.__init__, "__defaults__", (3, 60.0, 0.0, 0.0))


@pytest.fixture
def submit(sandbox: Sandbox, numbers: list[str]) -> Callable[[], str]:
    """Submit the two hundred numbers; gives the remote task's id."""
    data = "".join(f"{number}\n" for number in numbers).encode()
    settings = read_settings("test", host=sandbox.url, password=sandbox.api_key, extra={})

    def send() -> str:
        with EkycClient(settings) as client:
            return client.submit(io.BytesIO(data), len(data), "amazon").ekyc_task_id

    return send


@pytest.fixture
def exported(submit: Callable[[], str]) -> str:
    """A remote task with its results."""
    return submit()


@pytest.fixture(params=["one put", "parts"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Upload a result by one request; or in parts, as a large one, which begins before its numbers are counted."""
    if request.param == "parts":
        monkeypatch.setattr(target, "SINGLE_PUT", 0)
