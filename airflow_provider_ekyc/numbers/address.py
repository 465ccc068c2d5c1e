"""The name of an input, distinguished from numbers that were given in its place. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import unquote

from airflow_provider_ekyc.arguments import read_text, split_s3_connection
from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.redaction import without_query

NOTHING_SENT: Final = "Nothing was sent."

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: Hadoop's connectors for S3 name the same objects.
_S3_SCHEMES: Final = frozenset({"s3", "s3a", "s3n"})

#: How much of a text is examined to recognize what it is.
_LOOK_CHARACTERS: Final = 4000
_LOOK_ENTRIES: Final = 20
_BETWEEN: Final = re.compile(r"[\r\n\t,;|]+|(?<=[0-9])(?=\+)")
_AROUND: Final = " \"'`[](){}\u00a0\ufeff"
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ().\u00a0\u2010\u2011-]*")
_EMAIL: Final = re.compile(r"[^\s@/]+@[^\s@/]+\.[^\s@/]+")
_NUMBER_IN_PATH: Final = re.compile(r"\+[0-9](?:[ ().-]?[0-9]){5,}")


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A file on the worker."""

    path: str

    @property
    def shown(self) -> str:
        """The path for a message: absolute."""
        return shown_path(os.path.abspath(self.path))


@dataclass(frozen=True, slots=True)
class S3Address:
    """
    An object in S3.

    :param conn_id: AWS connection that the address itself names (``s3://conn_id@bucket/key``), or None
    """

    bucket: str
    key: str
    conn_id: str | None

    @property
    def shown(self) -> str:
        """The address for a message: without the connection."""
        return shown_path(f"s3://{self.bucket}/{self.key}")


@dataclass(frozen=True, slots=True)
class StoredAddress:
    """What Airflow's object storage opens."""

    uri: str

    @property
    def shown(self) -> str:
        """The address for a message: without its query and credentials."""
        return shown_path(without_query(self.uri))


def read_numbers(value: object) -> str:
    """
    Return the argument ``numbers``, a path or an address, as text.

    :param value: text, a ``pathlib.Path`` or an ``ObjectStoragePath``; or a list of just one of these
    :raises EkycNumbersError: if these are numbers instead of the name of an input; it quotes nothing
    :raises EkycSettingsError: if it is empty, or something else
    """
    if isinstance(value, bytes):
        value = os.fsdecode(value)
        _refuse_contents(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _refuse_contents(str(value))
    elif isinstance(value, Iterable) and not isinstance(value, str | os.PathLike) and not hasattr(value, "protocol"):
        value = _only_path(value)  # a path of universal-pathlib, which has a protocol, can be iterated too
    return read_text("numbers", value)


def read_address(text: str) -> LocalPath | S3Address | StoredAddress:
    """
    Return where an input is.

    :param text: not empty: a path on the worker, ``file:///path``, ``s3://bucket/key`` (or ``s3a://``, ``s3n://``),
        with or without a connection (``s3://conn_id@bucket/key``), or a URI that Airflow's object storage opens
    :raises EkycNumbersError: if it can't be one; what may hold numbers is not quoted
    """
    _refuse_nul(text)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return LocalPath(text)
    rest = text[scheme.end() :]
    if scheme[1].lower() == "file":
        return LocalPath(_local_path(text, rest))
    if scheme[1].lower() not in _S3_SCHEMES:
        return StoredAddress(text)
    conn_id, address = split_s3_connection(text)
    bucket, _, key = address[scheme.end() :].partition("/")
    if not bucket or not key:
        raise EkycNumbersError(
            f"{shown_path(without_query(text))} names no object. {NOTHING_SENT} An input in S3 is s3://bucket/key."
        )
    return S3Address(bucket, key, conn_id)


def contents_error(text: str) -> EkycNumbersError | None:
    """
    Recognize the contents of an input given as a path that does not exist; call it before a message names the path.

    :param text: a path on the worker, where nothing was found
    :return: an error with what it looks like, which quotes nothing; None if it looks like a path
    """
    kind = _kind_of_contents(text)
    if kind is None and not ("\n" in text or "\r" in text):
        return None
    looks = f"this looks like {kind}" if kind else "this contains line breaks, like the contents of an input"
    return EkycNumbersError(f"There is no such file: {looks}, not a path. {_TO_A_FILE}")


def shown_path(path: str) -> str:
    """Return a path or an address for a message, without what looks like a phone number."""
    return _NUMBER_IN_PATH.sub("[number removed]", path)


_TO_A_FILE: Final = f"{NOTHING_SENT} Write them to a file, one a line, and set numbers to its path or address."


def _refuse_contents(text: str) -> None:
    kind = _kind_of_contents(text)
    if kind is not None:
        raise EkycNumbersError(f"This looks like {kind}, not a path. {_TO_A_FILE}")


def _kind_of_contents(text: str) -> str | None:
    entries = [entry.strip(_AROUND) for entry in _BETWEEN.split(text[:_LOOK_CHARACTERS].strip(_AROUND))]
    entries = [entry for entry in entries if entry][:_LOOK_ENTRIES]
    numbers = sum(map(_is_number, entries))
    emails = sum(bool(_EMAIL.fullmatch(entry)) for entry in entries)
    if not entries or max(numbers, emails) * 2 < len(entries):
        return None
    return "numbers" if numbers >= emails else "e-mail addresses"


def _is_number(entry: str) -> bool:
    digits = sum(character.isdigit() for character in entry)
    return bool(_NUMBER.fullmatch(entry)) and digits >= (5 if entry.startswith("+") else 7)


def _only_path(values: Iterable[object]) -> object:
    """Return the path in a list of one, which the XCom of a mapped task may be."""
    first = list(islice(values, _LOOK_ENTRIES))
    _refuse_contents("\n".join(map(str, first)))
    if len(first) == 1:
        return first[0]
    raise EkycNumbersError(
        f"The argument numbers must be one path or address, not {type(values).__name__} of several or none. "
        f"{NOTHING_SENT} To submit several files, map the operator: "
        f"EkycSubmitOperator.partial(...).expand(numbers=...)."
    )


def _local_path(uri: str, rest: str) -> str:
    # RFC 8089. Not urlsplit(): it would cut a path at "?" or "#".
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise EkycNumbersError(
            f"{shown_path(without_query(uri))} names a file on another host. {NOTHING_SENT} A path on the worker has "
            "three slashes: file:///path."
        )
    path = unquote(slash + path)
    _refuse_nul(path)
    return path


def _refuse_nul(path: str) -> None:
    if "\0" in path:
        raise EkycNumbersError(
            f"The path in numbers contains a NUL character, which no path can. {NOTHING_SENT} Check the step or the "
            f"template that it comes from."
        )
