"""For the tests of uploads in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_ekyc.s3 import multipart, target as target_module
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Relay


@pytest.fixture
def small_puts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an object go up in parts from 1 KiB, with one look however slow the machine is."""
    monkeypatch.setattr(target_module, "SINGLE_PUT", 1024)
    monkeypatch.setattr(multipart, "_LOOK_AGE", 60.0)


@pytest.fixture
def relay(s3_server: S3Server, s3: Any) -> Iterator[S3Relay]:
    with S3Relay(s3_server.endpoint_url) as running:
        yield running
