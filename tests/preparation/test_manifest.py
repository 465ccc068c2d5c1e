from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.preparation.manifest import Manifest, OutputFile

FILE = OutputFile("0" * 32 + ".txt", 100, 1500, "a" * 64)
MANIFEST = Manifest("0123456789abcdef", "fedcba9876543210", (FILE, FILE), {"rows_read": 200, "money": {"price": None}})


def changed(**fields: Any) -> bytes:
    """A manifest with other fields."""
    return json.dumps({**json.loads(MANIFEST.as_bytes()), **fields}).encode()


def resealed(**fields: Any) -> bytes:
    """The same with the SHA-256 of what it has, as another release would write it."""
    body = {**json.loads(MANIFEST.as_bytes()), **fields}
    del body["sha256"]
    sha256 = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({**body, "sha256": sha256}).encode()


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
        (b"", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "not of version 1"),
        (b'{"version": 1}', "was changed"),
        (resealed(version=2), "not of version 1"),
        (changed(more=1), "was changed"),
        (changed(files=[]), "was changed"),
        (changed(sha256="0" * 64), "was changed"),
        (resealed(files=[1]), "other fields"),
        (resealed(files=1), "other fields"),
        (resealed(files=[{"name": "a.txt"}]), "other fields"),
    ],
)
def test_other_content_is_none(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Manifest.read(body)


@given(st.binary() | st.text().map(str.encode))
def test_whatever_else_is_there_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\Ait is not (JSON|a JSON object|of version 1)\Z"):
        Manifest.read(body)


def test_a_change_of_any_one_byte_is_noticed() -> None:
    whole = MANIFEST.as_bytes()
    for at in range(len(whole) - 1):
        body = bytearray(whole)
        body[at] ^= 1
        try:
            assert Manifest.read(bytes(body)) == MANIFEST  # such as another blank
        except ValueError as error:
            assert str(error).startswith("it ")  # noqa: PT017  both are right
