"""
The manifest: what one task instance has prepared. It is written last, so that half a list is never taken for a whole.

It holds no number. Content that is not exactly a manifest of the same task is never accepted as one: to prepare other
files after the first ones were submitted would be charged again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

VERSION: Final = 1
#: A prepared file, and a manifest.
_OWN_NAME: Final = re.compile(r"[0-9a-f]{32}\.txt|manifest-[0-9a-f]{16}\.json")


def is_own_name(name: str) -> bool:
    """Return whether a file of this name is a prepared file or a manifest."""
    return _OWN_NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class OutputFile:
    """
    A file that can be submitted.

    :param name: the content key of its numbers, and ``.txt``
    :param rows: numbers in it, one a line
    :param bytes: its size
    :param sha256: hex digest of its content
    """

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    What was prepared.

    :param task: hex digest of DAG, run, task and map index
    :param arguments: hex digest of the arguments that decide what is prepared
    :param files: in the order of the input
    :param report: counts and money, as in the XCom ``preparation``
    """

    task: str
    arguments: str
    files: tuple[OutputFile, ...]
    report: Mapping[str, Any]

    def as_bytes(self) -> bytes:
        """Return it as JSON, with a SHA-256 of itself, which shows any change."""
        fields = {"version": VERSION, **asdict(self)}
        return f"{json.dumps({**fields, 'sha256': _digest(fields)}, indent=1)}\n".encode()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """
        Read a manifest.

        :raises ValueError: if it is not exactly one; the message quotes nothing of it
        """
        try:
            fields = json.loads(body.decode())
        except (ValueError, RecursionError):  # a UnicodeDecodeError would quote bytes
            raise ValueError("it is not JSON") from None
        if not isinstance(fields, dict):
            raise ValueError("it is not a JSON object")
        if fields.get("version") != VERSION:
            raise ValueError(f"it is not of version {VERSION}")
        if fields.pop("sha256", None) != _digest(fields):
            raise ValueError("it was changed")
        try:
            files = tuple(OutputFile(**file) for file in fields["files"])
            return cls(fields["task"], fields["arguments"], files, fields["report"])
        except (KeyError, TypeError):
            raise ValueError("it has other fields") from None


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
