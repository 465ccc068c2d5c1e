"""What a list is by its first bytes, and whether its name says the same. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from airflow_provider_ekyc.preparation.sources.reading import list_error


class Kind(StrEnum):
    """A format, as messages name it."""

    TEXT = "text"
    GZIP = "gzip"
    ZSTD = "zstd"
    ZIP = "zip"
    WORKBOOK = "an Excel workbook"
    PARQUET = "Parquet"


#: How many first bytes decide.
HEAD_BYTES: Final = 64 << 10

# As libmagic lists them; each has a byte that no text holds, or is too long to be one by chance.
_SIGNATURES: Final = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"PAR1", Kind.PARQUET),
)
_OTHERS: Final = (
    (b"BZh91AY&SY", "bzip2", "Unpack it, or pack it with gzip."),
    (b"\xfd7zXZ\x00", "xz", "Unpack it, or pack it with gzip."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, or make a zip archive of it."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it, or make a zip archive of it."),
    (b"\xd0\xcf\x11\xe0", "an old (.xls) or encrypted Excel workbook", "Save it as .xlsx, without a password."),
    (b"PARE", "encrypted Parquet", "Write it without encryption."),
    (b"Obj\x01", "Avro", "Write it as Parquet or CSV."),
    (b"%PDF-", "a PDF", "Save the list as CSV or text."),
)
_NAMES: Final = {
    ".txt": Kind.TEXT,
    ".csv": Kind.TEXT,
    ".tsv": Kind.TEXT,
    ".gz": Kind.GZIP,
    ".zst": Kind.ZSTD,
    ".zip": Kind.ZIP,
    ".xlsx": Kind.WORKBOOK,
    ".xlsm": Kind.WORKBOOK,
    ".parquet": Kind.PARQUET,
}


def kind_of(head: bytes, name: str) -> Kind:
    """
    Return a list's format by its first bytes; a zip may still be a workbook.

    :param head: the first :data:`HEAD_BYTES`, or all there are
    :param name: of the list, for messages
    :raises EkycNumbersError: if it is one that can't be read
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    for signature, what, remedy in _OTHERS:
        if head.startswith(signature):
            raise list_error(name, f"is {what}, which is not read", remedy)
    return Kind.TEXT


def check_name(suffix: str, kind: Kind, name: str) -> None:
    """
    Check that a list's name does not say that it is of another format than it is.

    :param suffix: end of its name: ``.csv``
    :raises EkycNumbersError: if it does
    """
    expected = _NAMES.get(suffix)
    if expected is not None and expected is not kind:
        raise list_error(
            name,
            f"is {kind} by its content, but {suffix} by its name",
            "Check the step that writes it, and correct its content or its name.",
        )


def suffix_of(path: str) -> str:
    """Return the end of a path from its last dot on, in lower case; empty if there is none."""
    base = path.rstrip("/").rpartition("/")[2].lower()
    return f".{base.rpartition('.')[2]}" if "." in base else ""


def without_suffix(path: str) -> str:
    """Return a path without what :func:`suffix_of` returns, if that names a kind of packing."""
    suffix = suffix_of(path)
    return path[: -len(suffix)] if suffix in (".gz", ".zst") else path
