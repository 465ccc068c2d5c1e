"""The members of a result archive: which there are, which one is the table, and what no real archive has."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from airflow_provider_ekyc.exceptions import EkycResultError

#: Members at the most. Real archives have up to three.
MEMBER_LIMIT = 1_000

#: Bytes of the list of members at the most; a member takes about 60.
DIRECTORY_LIMIT = 1024 * 1024

#: How an error of a result ends: what became of it, and what to do.
NOTHING_LANDED = "Nothing was landed; the submission stays paid."
AGAIN = "Clear this task to download it again; if it stays so, ask the vendor about this task id."

_FRONT_LIMIT = 64 * 1024
_HEADER = 30  # bytes of a member's own header, before its name
_UNREADABLE = 1 << 5 | 1 << 6  # patched data, strong encryption (APPNOTE 4.4.4)
_LISTS = {"activated.txt": "yes", "unregistered.txt": "no"}


@dataclass(frozen=True, slots=True)
class Contents:
    """
    What lies in an archive.

    :param members: all of them, as they lie one behind the other
    :param table: the one that is the table, or None
    :param lists: if there is no table: the lists, each with what its numbers are (``yes`` or ``no``)
    """

    members: list[zipfile.ZipInfo]
    table: zipfile.ZipInfo | None
    lists: dict[zipfile.ZipInfo, str]


@contextmanager
def opened_archive(file: BinaryIO) -> Iterator[Contents]:
    """
    Read the list of members and choose among them.

    :param file: seekable, at any position
    :raises EkycResultError: if this is another kind of archive
    :raises zipfile.BadZipFile: if it is damaged; also what else ``zipfile`` raises for that
    """
    with zipfile.ZipFile(_Pieces(file)) as archive:
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        _check_entries(members)
        _check_offsets(members, archive.start_dir)
        _check_front(file, members)
        table, lists = _choose(members)
        yield Contents(members, table, lists)


class _Pieces:
    """The file as zipfile reads it: the list of members in one piece, however large it says that it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_LIMIT:
            raise EkycResultError(
                f"The result's list of members is larger than {DIRECTORY_LIMIT:,} bytes. {NOTHING_LANDED} Ask the "
                f"vendor."
            )
        return self._file.read(size)


def _choose(members: list[zipfile.ZipInfo]) -> tuple[zipfile.ZipInfo | None, dict[zipfile.ZipInfo, str]]:
    """Return the member that is the table; or, if there is none, the lists and what each list's numbers are."""
    if len(members) > MEMBER_LIMIT:
        raise EkycResultError(f"The result has {len(members):,} members. {NOTHING_LANDED} Ask the vendor.")
    if any(member.flag_bits & 1 for member in members):
        raise EkycResultError(f"The result is encrypted. {NOTHING_LANDED} Ask the vendor.")
    if any(member.flag_bits & _UNREADABLE for member in members):
        raise zipfile.BadZipFile("its flags ask for what no result needs")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise EkycResultError(
            f"The result is packed by another method than deflate, which this package does not read. "
            f"{NOTHING_LANDED} Ask the vendor."
        )
    names = {member: member.filename.replace("\\", "/").rsplit("/", 1)[-1].lower() for member in members}
    if "[content_types].xml" in names.values():
        raise EkycResultError(
            f"The result is an Excel file (.xlsx), which this package does not read. {NOTHING_LANDED} Ask the "
            f"vendor for CSV results."
        )
    # A Mac puts a file with what it knows of each member beside it, named with "._" in front.
    tables = [member for member in members if names[member].endswith(".csv") and not names[member].startswith("._")]
    whole = [member for member in tables if names[member] == "all.csv"]
    chosen = whole or tables
    if len(chosen) == 1:
        return chosen[0], {}
    if chosen:
        raise EkycResultError(
            f"The result has {len(chosen)} tables and none that is the whole. {NOTHING_LANDED} Ask the vendor."
        )
    lists = {member: _LISTS[name] for member, name in names.items() if name in _LISTS}
    if not lists:
        raise EkycResultError(f"The result has no table (.csv) among its members. {NOTHING_LANDED} {AGAIN}")
    return None, lists


def _check_front(file: BinaryIO, members: list[zipfile.ZipInfo]) -> None:
    """
    Check what lies before the first member: an archive may have a few bytes in front.

    One that was cut right behind an archive within it looks like the inner one, with the outer one in front.
    """
    size = members[0].header_offset if members else 0
    file.seek(0)
    if size > _FRONT_LIMIT or b"PK\x03\x04" in file.read(size):
        raise zipfile.BadZipFile("another archive lies in front of its members")


def _check_entries(members: list[zipfile.ZipInfo]) -> None:
    """Check that no entry of the list has swallowed others: with a wrong length, its comment or extra field might."""
    if any(b"PK\x01\x02" in field for member in members for field in (member.comment, member.extra)):
        raise zipfile.BadZipFile("an entry of its list lies in another one")


def _check_offsets(members: list[zipfile.ZipInfo], end: int) -> None:
    """Check that members lie one behind another, as no bomb of shared bytes does, and none outside of the file."""
    spans = [(member.header_offset, member.header_offset + _HEADER + member.compress_size) for member in members]
    if spans and (spans[0][0] < 0 or spans[-1][1] > end or any(a[1] > b[0] for a, b in pairwise(spans))):
        raise zipfile.BadZipFile("its members overlap")
