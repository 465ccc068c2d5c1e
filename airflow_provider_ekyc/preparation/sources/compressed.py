"""Compressed lists: gzip, Zstandard, and a zip archive of one file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from isal import igzip, igzip_lib

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycResultError, EkycSettingsError
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.preparation.sources.kinds import Kind
from airflow_provider_ekyc.preparation.sources.reading import RawFile, list_error
from airflow_provider_ekyc.results.archive.members import is_readable, list_members
from airflow_provider_ekyc.results.archive.unpack import UNPACKED_LIMIT, UNPACKED_RATIO, Budget, unpacked

_PIECE: Final = 1 << 20
_IGZIP_ERROR: Final = cast("type[Exception]", igzip_lib.error)  # its stubs call the class an instance


def unpacked_stream(source: ByteReader, kind: Kind, name: str) -> Iterator[bytes]:
    """
    Unpack gzip or Zstandard.

    :param source: read to its end
    :param kind: which of them
    :param name: of the list, for messages
    :raises EkycNumbersError: if it is damaged, or unpacks to more than any list: 16 GiB, and 16 times its own size
    :raises EkycSettingsError: if Zstandard needs the extra ``parquet``
    """
    counted = _Counted(source)
    file = _gunzipped(counted) if kind is Kind.GZIP else _zstd_stream(counted)
    size = 0
    while True:
        try:
            block = file.read(_PIECE)
        except (OSError, EOFError, zlib.error, _IGZIP_ERROR) as error:
            raise list_error(
                name, f"is damaged: {kind} can't unpack it ({type(error).__name__})", "Write or copy it again."
            ) from None
        if not block:
            return
        size += len(block)
        if size > UNPACKED_LIMIT + UNPACKED_RATIO * counted.position:
            raise _too_large(name)
        yield block


def zip_names(file: BinaryIO, name: str) -> list[str]:
    """
    Return the names of a zip archive's members.

    :raises EkycNumbersError: if it is damaged, or has more members than any list
    """
    return [member.filename for member in _members(file, name)]


def only_member(file: BinaryIO, name: str) -> tuple[str, Iterator[bytes]]:
    """
    Unpack a zip archive of one file; folders, and what macOS adds beside a file, are left out.

    :param file: seekable
    :param name: of the list, for messages
    :return: the member's name, and its bytes
    :raises EkycNumbersError: if it has several files or none, is encrypted, packed by another method, damaged, or
        unpacks to more than any list
    """
    members = [member for member in _members(file, name) if not _is_beside(member)]
    if len(members) != 1:
        raise list_error(
            name, f"is a zip archive of {len(members):,} files", "Put one list into it, or store the lists unpacked."
        )
    if not is_readable(members[0]):
        raise list_error(
            name, "is a zip archive that is encrypted, or packed by another method than deflate", "Make it anew."
        )
    return members[0].filename, _member_blocks(file, members[0], name)


def _member_blocks(file: BinaryIO, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    try:
        yield from unpacked(file, member, Budget())
    except EkycResultError:
        raise _too_large(name) from None
    except _DAMAGE:
        raise _damaged(name) from None


def _members(file: BinaryIO, name: str) -> list[zipfile.ZipInfo]:
    try:
        return list_members(file)
    except EkycResultError:
        raise list_error(name, "is a zip archive with too many members", "Put one list into it.") from None
    except _DAMAGE:
        raise _damaged(name) from None


_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def _is_beside(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.replace("\\", "/").split("/")
    return not parts[-1] or parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def _gunzipped(source: ByteReader) -> BinaryIO:
    file: BinaryIO = igzip.IGzipFile(fileobj=RawFile(source), mode="rb")  # type: ignore[no-untyped-call,assignment]  # isal has no types
    return file


def _zstd_stream(source: ByteReader) -> BinaryIO:
    try:
        import pyarrow
    except ImportError:
        raise EkycSettingsError(
            "A list packed by Zstandard needs the package pyarrow. Nothing was sent. Install "
            '"airflow-provider-ekyc[parquet]" on the workers.'
        ) from None
    stream: BinaryIO = pyarrow.CompressedInputStream(pyarrow.PythonFile(RawFile(source), mode="r"), "zstd")
    return stream


def _damaged(name: str) -> EkycNumbersError:
    return list_error(name, "is a damaged zip archive", "Write or copy it again.")


def _too_large(name: str) -> EkycNumbersError:
    return list_error(
        name,
        f"unpacks to more than {UNPACKED_LIMIT:,} bytes, and {UNPACKED_RATIO} times its own size",
        "Check that it is a list.",
    )


class _Counted:
    """Counts what is read of a source."""

    def __init__(self, source: ByteReader) -> None:
        self._source = source
        self.position = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self.position += len(data)
        return data
