"""
Where a journal is: the connection in its address wins.

Modules: ``submission/local_store.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.stores import open_store
from dev.stack.s3_server import S3Server
from dev.testing.task_context import TaskInstance
from tests.conftest import BUCKET, aws_connection, keys_of


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_the_connection_in_the_address_of_a_journal_wins(
    scheme: str, s3: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER_AWS", aws_connection(s3_server))
    store = open_store(f"{scheme}://other_aws@{BUCKET}/journal", "no_such_connection", identity_of(TaskInstance()))
    assert store.write("record", b"1", replacing=None)
    assert store.read("record") == b"1"
    (key,) = keys_of(s3)
    assert store.address("record") == f"s3://{BUCKET}/{key}"
