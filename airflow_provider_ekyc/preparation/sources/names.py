"""Which files and objects a list's names mean: one, those below a prefix, or those that a glob matches."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from airflow_provider_ekyc.arguments import split_s3_connection
from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import NOTHING_SENT, LocalPath, read_address, read_numbers, shown_path
from airflow_provider_ekyc.redaction import redact, without_query
from airflow_provider_ekyc.s3.client import s3_client
from airflow_provider_ekyc.s3.errors import S3CallError, explained

_GLOB: Final = re.compile(r"[*?\[]")
_PARTS: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_S3: Final = re.compile(r"(?i:s3[an]?)://([^/]+)/(.*)", re.DOTALL)


def find_sources(numbers: object, *, aws_conn_id: str | None, numbers_conn_id: str | None) -> list[str]:
    """
    Return the addresses of all files that an argument names, in the order in which they are read.

    A name that ends in ``/`` means all files below it, at any depth; one with ``*``, ``?`` or ``[`` those that it
    matches, where ``*`` ends at a ``/`` and ``**`` does not. Both are sorted by name. Below a prefix, and where a
    pattern does not begin with them itself, names that begin with ``_`` or ``.`` are left out, folders too: Spark and
    others write such beside their data.

    :param numbers: a name, or a list of names in the order in which they are read
    :param aws_conn_id: AWS connection for ``s3://``
    :param numbers_conn_id: connection for other URIs
    :raises EkycNumbersError: if a name means no file, or these are numbers instead of names
    :raises EkycUnreadableInputError: if they can't be listed just now
    :raises EkycSettingsError: if there is no name
    """
    values: Sequence[object] = numbers if isinstance(numbers, list | tuple) else [numbers]
    if not values:
        raise EkycNumbersError(f"numbers is an empty list. {NOTHING_SENT} Check the step or the template.")
    found: list[str] = []
    # All of them first, so that a list of numbers is refused before anything is listed.
    for text in [read_numbers(value) for value in values]:
        found += _expanded(text, aws_conn_id, numbers_conn_id) if _means_several(text) else [text]
    return found


def pattern_of(glob: str) -> re.Pattern[str]:
    """
    Return the regular expression of a glob.

    :param glob: ``*`` and ``?`` end at a ``/``, ``**`` does not; ``[ab]``, ``[!ab]``
    """
    return re.compile("".join(map(_part_pattern, _PARTS.findall(glob))), re.DOTALL)


def _part_pattern(part: str) -> str:
    if part in _WILD:
        return _WILD[part]
    if len(part) > 2:
        within = part[1:-1].replace("\\", r"\\").replace("^", r"\^")
        return f"[{f'^{within[1:]}' if within.startswith('!') else within}]"
    return re.escape(part)


_WILD: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _means_several(text: str) -> bool:
    if text.endswith("/"):
        return True
    if text.lower().startswith(("http://", "https://")):
        return False  # "?" begins the query
    return bool(_GLOB.search(text)) and not os.path.exists(text)


def _expanded(text: str, aws_conn_id: str | None, numbers_conn_id: str | None) -> list[str]:
    wild = _GLOB.search(text)
    cut = (text.rfind("/", 0, wild.start()) if wild else len(text) - 1) + 1
    directory, glob = text[:cut], text[cut:] or "**"
    is_deep = "/" in glob or "**" in glob
    if split_s3_connection(directory)[1] and _S3.match(split_s3_connection(directory)[1]):
        below: Iterable[str] = _below_s3(directory, aws_conn_id, is_deep=is_deep)
    else:
        address = read_address(directory or ".")
        if isinstance(address, LocalPath):
            directory = os.path.join(address.path, "")
            below = _below_local(address.path, is_deep=is_deep)
        else:
            directory, below = _below_stored(directory, numbers_conn_id, is_deep=is_deep)
    matches = pattern_of(glob).fullmatch
    shows_hidden = glob.rpartition("/")[2][:1] in ("_", ".")
    names = sorted(name for name in below if matches(name) and (shows_hidden or not _is_hidden(name)))
    if not names:
        raise EkycNumbersError(
            f"There is no file at {shown_path(without_query(text))}. {NOTHING_SENT} Check the prefix or the pattern, "
            f"and that the step that writes the files has run. Names that begin with _ or . are left out."
        )
    if trailing := sum(name != name.rstrip() for name in names):
        # An address is read without the blanks around it, so this would be another file, or none.
        raise EkycNumbersError(
            f"{counted(trailing, 'file')} at {shown_path(without_query(text))} with a blank at the end of the name. "
            f"{NOTHING_SENT} A retry can't help. Rename them, then clear this task."
        )
    return [directory + name for name in names]


def _is_hidden(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _below_local(path: str, *, is_deep: bool) -> list[str]:
    """Return what is no directory below one; not what ``Path.rglob`` does, which leaves out what it may not read."""

    def fail(error: OSError) -> None:
        raise error

    found: list[str] = []
    seen: set[str] = set()
    try:
        for folder, folders, files in os.walk(path, onerror=fail, followlinks=True):
            # A link may lead to a folder above it.
            seen.add(os.path.realpath(folder))
            folders[:] = [
                each for each in folders if is_deep and os.path.realpath(os.path.join(folder, each)) not in seen
            ]
            found += (os.path.relpath(os.path.join(folder, each), path) for each in files)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _not_listed(os.path.abspath(path), os.strerror(error.errno) if error.errno else "", error) from None
    return found


def _below_s3(directory: str, aws_conn_id: str | None, *, is_deep: bool) -> Iterator[str]:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    named, address = split_s3_connection(directory)
    match = _S3.match(address)
    bucket, prefix = (match[1], match[2]) if match else ("", "")
    client = s3_client(S3Hook(aws_conn_id=named or aws_conn_id), NOTHING_SENT)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, **({} if is_deep else {"Delimiter": "/"})
    )
    try:
        with explained("ListObjectsV2", "s3:ListBucket"):
            keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    except S3CallError as error:
        problem = error.problem
        said = (
            f"S3 did not list {shown_path(address)} for the AWS connection {named or aws_conn_id!r} "
            f"({problem.shown}). {NOTHING_SENT}"
        )
        if problem.retryable:
            raise EkycUnreadableInputError(f"{said} A retry lists it again. {problem.advice}") from None
        raise EkycNumbersError(f"{said} A retry can't help. {problem.advice} Then clear this task.") from None
    # A key that ends in "/" stands for a folder.
    return (key[len(prefix) :] for key in keys if not key.endswith("/"))


def _below_stored(directory: str, numbers_conn_id: str | None, *, is_deep: bool) -> tuple[str, list[str]]:
    from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

    try:
        path: Any = ObjectStoragePath(directory, conn_id=numbers_conn_id)
        path.fs.invalidate_cache()
        root = path.path.rstrip("/") + "/"
        found = list(_walk(path.fs, path.path.rstrip("/"), is_deep=is_deep))
        return directory, [each[len(root) :] for each in found if each.startswith(root)]
    except FileNotFoundError:
        return directory, []
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise _not_listed(without_query(directory), redact(str(error)), error) from None


def _walk(file_system: Any, path: str, *, is_deep: bool) -> Iterator[str]:
    """Yield the files below a path. Not ``find()`` or ``walk()`` of fsspec: these leave out what can't be listed."""
    for info in file_system.ls(path, detail=True):
        name = info["name"].rstrip("/")
        if name == path:
            continue  # what stands for the folder itself
        if info["type"] != "directory":
            yield info["name"]
        elif is_deep:
            yield from _walk(file_system, name, is_deep=True)


def _not_listed(shown: str, why: str, error: Exception) -> EkycError:
    said = f"{shown_path(shown)} could not be listed ({type(error).__name__}: {why}). {NOTHING_SENT}"
    if isinstance(error, PermissionError | ValueError | ImportError):
        return EkycNumbersError(f"{said} A retry can't help. Grant the permission to list it, or correct the address.")
    return EkycUnreadableInputError(f"{said} A retry lists it again.")
