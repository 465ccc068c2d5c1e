"""
The manifest: what one task instance has prepared. It is written last, so that half a list is never taken for a whole.

It holds no number. Content that is not exactly a manifest of the same task is never accepted as one: to prepare other
files after the first ones were submitted would be charged again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

VERSION: Final = 1
_FIELDS: Final = frozenset({"version", "task", "arguments", "files", "report"})
_NAME: Final = re.compile(r"[0-9a-f]{32}\.txt")
_MANIFEST_NAME: Final = re.compile(r"manifest-[0-9a-f]{16}\.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def is_own_name(name: str) -> bool:
    """Return whether a file of this name is a prepared file or a manifest."""
    return bool(_NAME.fullmatch(name) or _MANIFEST_NAME.fullmatch(name))


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

    @classmethod
    def read(cls, found: object) -> Self:
        """
        Read an entry of a manifest.

        :raises ValueError: if it is none
        """
        if not isinstance(found, dict) or found.keys() != cls.__dataclass_fields__.keys():
            raise ValueError("an entry of files has other fields")
        file = cls(**found)
        counts = (file.rows, file.bytes)
        if not (isinstance(file.name, str) and _NAME.fullmatch(file.name)):
            raise ValueError("an entry of files has no name of a prepared file")
        if not (isinstance(file.sha256, str) and _SHA256.fullmatch(file.sha256)):
            raise ValueError("an entry of files has no SHA-256")
        if not all(type(count) is int and count > 0 for count in counts):
            raise ValueError("an entry of files has no count of rows or bytes")
        return file


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
        """Return it as JSON."""
        return f"{json.dumps({'version': VERSION, **asdict(self)}, indent=1)}\n".encode()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """
        Read a manifest.

        :raises ValueError: if it is not exactly one; the message quotes nothing of it
        """
        try:
            found = json.loads(body.decode())
        except ValueError:  # also UnicodeDecodeError, which would quote bytes
            raise ValueError("it is not JSON") from None
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")
        if found.get("version") != VERSION:
            raise ValueError(f"it is not of version {VERSION}")
        if found.keys() != _FIELDS:
            raise ValueError("it has other fields")
        task, arguments, files, report = (found[name] for name in ("task", "arguments", "files", "report"))
        if not (isinstance(task, str) and isinstance(arguments, str) and isinstance(report, dict)):
            raise ValueError("a field is of another type")
        if not isinstance(files, list):
            raise ValueError("files is not a list")
        return cls(task, arguments, tuple(map(OutputFile.read, files)), report)
