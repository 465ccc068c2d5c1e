"""The members of a result archive: which there are, which one is the table, and what no real archive has."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.errors import NOTHING_LANDED, contents_error

#: Members at the most. Real archives have up to three.
MEMBER_LIMIT = 1_000

#: Bytes of the list of members at the most; a member takes about 60.
DIRECTORY_LIMIT = 1024 * 1024

_FRONT_LIMIT = 64 * 1024
_HEADER = 30  # bytes of a member's own header, before its name
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = 1 << 5 | 1 << 6  # patched data, strong encryption (APPNOTE 4.4.4)
_LISTS = {"activated.txt": "yes", "unregistered.txt": "no"}
# Words in the name of a CSV file that is not the table: numbers that could not be checked, or figures.
_BESIDE = frozenset({"failed", "failure", "failures", "error", "errors", "invalid", "rejected", "summary"})
_WORD = re.compile(r"[^\W\d_]+")
# amazon_1.csv, amazon-2.csv, amazon (3).csv, part-00000.csv
_PART = re.compile(r"(.*?)[ _.-]*\(?(\d{1,5})\)?\.csv")


@dataclass(frozen=True, slots=True)
class Contents:
    """
    What a result archive holds.

    :param members: all of them, in the order in which they follow one another
    :param tables: those that may be the table, or parts of it
    :param lists: if there is no table: the lists, each with what its numbers are (``yes`` or ``no``)
    :param beside: CSV files whose names say that they are not the table
    """

    members: list[zipfile.ZipInfo]
    tables: list[zipfile.ZipInfo]
    lists: dict[zipfile.ZipInfo, str]
    beside: list[zipfile.ZipInfo]


def list_members(file: BinaryIO) -> list[zipfile.ZipInfo]:
    """
    Read the list of members.

    :param file: seekable, at any position
    :return: the members, in the order in which they follow one another
    :raises EkycResultError: if there are more than any result has
    :raises zipfile.BadZipFile: if it is damaged; also what else ``zipfile`` raises for that
    """
    with zipfile.ZipFile(_Pieces(file)) as archive:
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        _check_entries(members)
        _check_offsets(members, archive.start_dir)
        _check_front(file, members)
    if len(members) > MEMBER_LIMIT:
        raise EkycResultError(f"The result has {len(members):,} members. {NOTHING_LANDED} Ask the vendor.")
    return members


def is_readable(member: zipfile.ZipInfo) -> bool:
    """Return whether a member can be unpacked: stored or deflated, and not encrypted."""
    return not member.flag_bits & (1 | _UNREADABLE) and member.compress_type in _METHODS


def parts_of_one(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo] | None:
    """
    Put files that are the parts of one in their order, by their names: one name, one folder, numbered from 0 or 1 on.

    :return: None if they are not parts of one, or if one is missing
    """
    matches = {member: _PART.fullmatch(member.filename.replace("\\", "/").lower()) for member in members}
    numbers = {member: int(match[2]) for member, match in matches.items() if match}
    first = min(numbers.values(), default=-1)
    is_counted = first in (0, 1) and sorted(numbers.values()) == list(range(first, first + len(members)))
    if not is_counted or len({match[1] for match in matches.values() if match}) > 1:
        return None
    return sorted(members, key=numbers.__getitem__)


class _Pieces:
    """The file as zipfile reads it: the list of members in one piece, up to a limit."""

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


def choose(members: list[zipfile.ZipInfo]) -> Contents:
    """
    Choose among the members by their names.

    :raises EkycResultError: if this is another kind of archive, or there is no table
    :raises zipfile.BadZipFile: if a member asks for what no result needs
    """
    if any(member.flag_bits & 1 for member in members):
        raise contents_error("The result is encrypted.")
    if any(member.flag_bits & _UNREADABLE for member in members):
        raise zipfile.BadZipFile("its flags require features that no result needs")
    if not all(is_readable(member) for member in members):
        raise contents_error(
            "The result is compressed by another method than deflate, which this package does not read."
        )
    names = {member: member.filename.replace("\\", "/").rsplit("/", 1)[-1].lower() for member in members}
    if "[content_types].xml" in names.values():
        raise contents_error(
            "The result is an Excel file (.xlsx), which this package does not read.",
            "Ask the vendor for CSV results.",
        )
    # A Mac puts a file with what it knows of each member beside it, named with "._" in front.
    tables = [member for member in members if names[member].endswith(".csv") and not names[member].startswith("._")]
    whole = [member for member in tables if names[member] == "all.csv"]
    if len(whole) > 1:
        raise contents_error(f"The result has {len(whole)} CSV files that are named all.csv.")
    if whole or len(tables) == 1:
        return Contents(members, whole or tables, {}, [])
    beside = [member for member in tables if _BESIDE.intersection(_WORD.findall(names[member]))]
    tables = [member for member in tables if member not in beside]
    lists = {} if tables else {member: _LISTS[name] for member, name in names.items() if name in _LISTS}
    if not tables and not lists:
        raise contents_error("The result has no table (.csv) among its members.", again=True)
    return Contents(members, tables, lists, beside)


def _check_front(file: BinaryIO, members: list[zipfile.ZipInfo]) -> None:
    """
    Check what precedes the first member: an archive may have a few bytes there.

    One that was cut right after an archive inside it looks like the inner one, preceded by the outer one.
    """
    size = members[0].header_offset if members else 0
    file.seek(0)
    if size > _FRONT_LIMIT or b"PK\x03\x04" in file.read(size):
        raise zipfile.BadZipFile("another archive precedes its members")


def _check_entries(members: list[zipfile.ZipInfo]) -> None:
    """Check that no entry of the list contains others: with a wrong length, its comment or extra field might."""
    if any(b"PK\x01\x02" in field for member in members for field in (member.comment, member.extra)):
        raise zipfile.BadZipFile("an entry of its list is inside another one")


def _check_offsets(members: list[zipfile.ZipInfo], end: int) -> None:
    """Check that members follow one another, and none is outside of the file: members of a bomb share their bytes."""
    spans = [(member.header_offset, member.header_offset + _HEADER + member.compress_size) for member in members]
    if spans and (spans[0][0] < 0 or spans[-1][1] > end or any(a[1] > b[0] for a, b in pairwise(spans))):
        raise zipfile.BadZipFile("its members overlap")
