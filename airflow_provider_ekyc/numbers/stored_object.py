"""An object of any store that Airflow's object storage knows, read as it was when it was opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import NOTHING_SENT, StoredAddress
from airflow_provider_ekyc.numbers.opened_source import OpenedSource, refuse_change
from airflow_provider_ekyc.redaction import redact

#: Names of the size, the times, the identity and the checksum of a file in ``info()`` of fsspec's file systems: local,
#: sftp, smb and hdfs (``mtime``, ``ino``), s3fs (``ETag``, ``LastModified``, ``VersionId``), gcsfs (``generation``,
#: ``etag``, ``updated``, ``md5Hash``, ``crc32c``), adlfs (``etag``, ``last_modified``, ``content_settings``), ftp
#: (``modify``), webdav (``modified``), http (``ETag``). Where a store reports only the size, only a change of the size
#: is noticed.
_FIELDS: Final = (
    "size",
    "mtime",
    "ino",
    "created",
    "modify",
    "modified",
    "updated",
    "last_modified",
    "LastModified",
    "last_commit",
    "etag",
    "ETag",
    "generation",
    "version_id",
    "VersionId",
    "md5Hash",
    "crc32c",
    "checksum",
)


def open_stored_object(address: StoredAddress, numbers_conn_id: str | None) -> OpenedSource:
    """
    Open an object.

    :param numbers_conn_id: Airflow connection, or None
    :raises EkycNumbersError: if there is nothing there, or there is no permission to read it
    :raises EkycUnreadableInputError: if the store can't be reached just now
    """
    from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

    try:
        path: Any = ObjectStoragePath(address.uri, conn_id=numbers_conn_id)
        before = _info(path)
        _refuse_other_kinds(address, before)
        file = path.open("rb")
    except EkycError:
        raise
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise _not_opened(address, numbers_conn_id, error) from None

    def check_end(position: int) -> None:
        try:
            after: dict[str, object] | None = state_of(_info(path))
        except FileNotFoundError:
            after = None
        except Exception as error:  # noqa: BLE001  as above
            raise EkycUnreadableInputError(
                f"{address.shown} was read, but its store did not say whether it changed meanwhile "
                f"({type(error).__name__}). Nothing was sent; a retry reads it again."
            ) from None
        refuse_change(address.shown, state_of(before), after)

    # fsspec's buffered files know their size from opening them; where the size is unknown it is None.
    size = getattr(file, "size", None)
    return OpenedSource(file, address.shown, size if isinstance(size, int) else None, check_end)


def _info(path: Any) -> Mapping[str, Any]:
    # Many file systems cache their listings, which would hide a change.
    path.fs.invalidate_cache()
    info: Mapping[str, Any] = path.fs.info(path.path)
    return info


def state_of(info: Mapping[str, Any]) -> dict[str, object]:
    """Return what changes when a file changes: the size, the times and the like, by the names of its file system."""
    return {name: info[name] for name in _FIELDS if info.get(name) is not None}


def _refuse_other_kinds(address: StoredAddress, info: Mapping[str, Any]) -> None:
    kind = info.get("type")
    if kind == "directory":
        raise EkycNumbersError(f"{address.shown} is a directory. {NOTHING_SENT} Set numbers to one file.")
    if kind == "other":  # a FIFO, a socket or a device, which would wait for ever
        raise EkycNumbersError(f"{address.shown} is not a file. {NOTHING_SENT} Set numbers to a regular file.")


def _not_opened(address: StoredAddress, numbers_conn_id: str | None, error: Exception) -> EkycError:
    if isinstance(error, ValueError | ImportError):
        # Airflow's "No filesystem registered for scheme", universal-pathlib's "Unsupported filesystem".
        return EkycNumbersError(
            f"{address.shown} can't be opened: {redact(str(error))}. {NOTHING_SENT} Install the Airflow provider with "
            f"that file system, or put the file on S3 or on a disk that workers share."
        )
    if isinstance(error, FileNotFoundError):
        return EkycNumbersError(f"There is nothing at {address.shown}. {NOTHING_SENT} Check the address.")
    if isinstance(error, IsADirectoryError):
        return EkycNumbersError(f"{address.shown} is a directory. {NOTHING_SENT} Set numbers to one file.")
    if isinstance(error, PermissionError):
        return EkycNumbersError(
            f"The connection {numbers_conn_id!r} has no permission to read {address.shown}. {NOTHING_SENT} Grant it "
            f"read access."
        )
    return EkycUnreadableInputError(
        f"{address.shown} could not be opened ({type(error).__name__}: {redact(str(error))}). {NOTHING_SENT} A retry "
        f"reads it again; if the error persists, check the connection {numbers_conn_id!r}."
    )
