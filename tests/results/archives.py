"""Archives for tests, and changed ones: written by zipfile, then changed byte by byte."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import BinaryIO
from unittest import mock

from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.table.header import ColumnNames

#: Where fields are in a member's own header and in its entry in the list of members (APPNOTE 4.3.7, 4.3.12).
LOCAL = {"flags": 6, "method": 8, "crc": 14, "packed": 18, "size": 22}
LISTED = {"flags": 8, "method": 10, "crc": 16, "packed": 20, "size": 24, "offset": 42}

TABLE = b"Number,amazon\n+9990000000001,yes\n+9990000000002,no\n+9990000000003,undetermined\n"
LISTS = {"activated.txt": b"+9990000000001\n", "unregistered.txt": b"+9990000000002\n+9990000000003\n"}


def pack(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, zip64: bool = False) -> bytes:
    """Pack members; ``zip64`` writes every structure that ZIP64 has."""
    target = io.BytesIO()
    limit = 0 if zip64 else zipfile.ZIP_FILECOUNT_LIMIT
    with mock.patch.object(zipfile, "ZIP_FILECOUNT_LIMIT", limit), zipfile.ZipFile(target, "w", method) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return target.getvalue()


def check_archive(file: BinaryIO, names: ColumnNames | None = None, *, may_be_empty: bool = False) -> ArchiveSummary:
    """Read an archive to its last byte and return what it holds."""
    reader = ArchiveReader(file, names, may_be_empty=may_be_empty)
    for _ in reader.rows():
        continue
    return reader.summary


class Unseekable(io.BytesIO):
    """Makes zipfile write data descriptors behind the members."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def with_field(archive: bytes, field: str, value: int, *, member: int = 0, local: bool = True) -> bytes:
    """Return the archive with a field of one member set, in the list and, if ``local``, in its own header."""
    changed = bytearray(archive)
    width = 2 if field in ("flags", "method") else 4
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        header = reader.infolist()[member].header_offset
        listed = reader.start_dir
    for _ in range(member):
        listed = archive.index(b"PK\x01\x02", listed + 4)
    places = [listed + LISTED[field]]
    if local and field in LOCAL:
        places.append(header + LOCAL[field])
    for place in places:
        changed[place : place + width] = value.to_bytes(width, "little")
    return bytes(changed)


def repeat_entry(archive: bytes, times: int) -> bytes:
    """Return the archive with its single member listed several times: all of them share its bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        start = reader.start_dir
    end = archive.index(b"PK\x05\x06", start)
    entries = archive[start:end] * times
    tail = bytearray(archive[end:])
    tail[8:10] = tail[10:12] = times.to_bytes(2, "little")
    tail[12:16] = len(entries).to_bytes(4, "little")
    return archive[:start] + entries + bytes(tail)
