from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.preparation.manifest import Manifest, OutputFile

FILE = OutputFile("0" * 32 + ".txt", 100, 1500, "a" * 64)
MANIFEST = Manifest("0123456789abcdef", "fedcba9876543210", (FILE, FILE), {"rows_read": 200, "money": {"price": None}})


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(MANIFEST.as_bytes()), **fields}).encode()


def test_what_is_written_is_read() -> None:
    assert Manifest.read(MANIFEST.as_bytes()) == MANIFEST


def test_a_part_of_a_manifest_is_none() -> None:
    body = MANIFEST.as_bytes().rstrip()
    for end in range(len(body)):
        with pytest.raises(ValueError, match="it is not JSON"):
            Manifest.read(body[:end])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\xfe{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "not of version 1"),
        (changed(version=2), "not of version 1"),
        (changed(version=True, more=1), "other fields"),
        (changed(more=1), "other fields"),
        (changed(task=1), "another type"),
        (changed(report=[]), "another type"),
        (changed(files={}), "not a list"),
        (changed(files=[1]), "other fields"),
        (changed(files=[{"name": "a.txt"}]), "other fields"),
        (changed(files=[{"name": "../a.txt", "rows": 1, "bytes": 1, "sha256": "a" * 64}]), "no name"),
        (changed(files=[{"name": FILE.name, "rows": 1, "bytes": 1, "sha256": "b"}]), "no SHA-256"),
        (changed(files=[{"name": FILE.name, "rows": True, "bytes": 1, "sha256": "a" * 64}]), "no count"),
        (changed(files=[{"name": FILE.name, "rows": 0, "bytes": 1, "sha256": "a" * 64}]), "no count"),
    ],
)
def test_other_content_is_none(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Manifest.read(body)


@given(st.binary() | st.text().map(str.encode))
def test_whatever_else_is_there_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\Ait is not (JSON|a JSON object|of version 1)\Z"):
        Manifest.read(body)
