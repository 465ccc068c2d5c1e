"""A history in any other store that Airflow's object storage knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airflow_provider_ekyc.exceptions import EkycError, EkycHistoryError
from airflow_provider_ekyc.history.files import NOTHING_SENT, HistoryFile, Kind, changed_error, kind_of
from airflow_provider_ekyc.numbers.address import StoredAddress, shown_path
from airflow_provider_ekyc.numbers.stored_object import state_of
from airflow_provider_ekyc.redaction import redact

# Errors that somebody has to do something about; others may pass by themselves.
_PERMANENT: Final = (FileNotFoundError, NotADirectoryError, PermissionError, ValueError, ImportError)


class StoredFolder:
    """
    All files under a path of an ``ObjectStoragePath``.

    :param conn_id: Airflow connection, or None
    """

    def __init__(self, address: StoredAddress, conn_id: str | None) -> None:
        self._address, self._conn_id = address, conn_id
        self.shown = address.shown

    def files(self) -> Iterator[tuple[str, HistoryFile | None]]:
        """
        Yield each file, folder by folder in the order of the names.

        :raises EkycHistoryError: if the store does not list a folder. One that is not there is an error: few stores
            distinguish it from one that can't be seen
        """
        from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

        try:
            path: Any = ObjectStoragePath(self._address.uri, conn_id=self._conn_id)
            # Many file systems cache their listings.
            path.fs.invalidate_cache()
            if path.fs.info(path.path)["type"] == "directory":
                yield from self._files_in(path.fs, path.path.rstrip("/"), "")
            else:
                yield "", self._file(path.fs, path.path, "")
        except EkycError:
            raise
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._error("listed", self.shown, error) from None

    def _files_in(self, fs: Any, folder: str, below: str) -> Iterator[tuple[str, HistoryFile | None]]:
        # Not find() or walk() of fsspec: they leave out a folder that can't be listed.
        for found in sorted(fs.ls(folder, detail=True), key=lambda info: str(info["name"])):
            path = str(found["name"]).rstrip("/")
            name = path.rpartition("/")[2]
            if found["type"] == "directory":
                if path.strip("/") != folder.strip("/"):  # some list the folder itself
                    yield from self._files_in(fs, path, f"{below}{name}/")
            elif path.strip("/") != folder.strip("/"):
                is_parquet = kind_of(f"{below}{name}") is Kind.PARQUET
                yield f"{below}{name}", self._listed_file(fs, path, f"{below}{name}") if is_parquet else None

    def _listed_file(self, fs: Any, path: str, below: str) -> HistoryFile:
        try:
            return self._file(fs, path, below)
        except FileNotFoundError:
            raise changed_error(f"{self.shown.rstrip('/')}/{shown_path(below)}", "it was deleted or renamed") from None

    def _file(self, fs: Any, path: str, below: str) -> HistoryFile:
        shown = f"{self.shown.rstrip('/')}/{shown_path(below)}" if below else self.shown
        info: Mapping[str, Any] = fs.info(path)
        size = info.get("size")
        if not isinstance(size, int):
            raise EkycHistoryError(
                f"The store does not say the size of {shown}. {NOTHING_SENT} A retry can't help. Copy the history to "
                f"S3, or to a disk that workers share.",
                retryable=False,
            )
        return _StoredFile(self, fs, path, shown, size, state_of(info))

    def _error(self, done: str, shown: str, error: Exception) -> EkycHistoryError:
        retryable = not isinstance(error, _PERMANENT)
        then = "may help" if retryable else "can't help"
        advice = f"Check the connection {self._conn_id!r} and its permissions."
        if isinstance(error, FileNotFoundError):
            advice = "If this is the first run, create the folder, or an object in it; otherwise check history_uri."
        elif isinstance(error, ValueError | ImportError):
            advice = "Install the Airflow provider with that file system, or copy the history to S3."
        return EkycHistoryError(
            f"{shown}, a history, can't be {done} ({type(error).__name__}: {redact(str(error))}). {NOTHING_SENT} A "
            f"retry {then}. {advice}",
            retryable=retryable,
        )


@dataclass(frozen=True, slots=True)
class _StoredFile:
    """A file as it was listed."""

    folder: StoredFolder
    fs: Any
    path: str
    shown: str
    size: int
    state: Mapping[str, object]
    #: What a store calls the time of a file differs, and some let anybody set it.
    received_at: datetime | None = None

    def read(self, start: int, size: int) -> bytes:
        """Read a range of the file that was listed: its state is looked at afterwards."""
        try:
            data: bytes = self.fs.cat_file(self.path, start, start + size)
            self.fs.invalidate_cache()
            after = state_of(self.fs.info(self.path))
        except FileNotFoundError:
            raise changed_error(self.shown, "it was deleted or renamed") from None
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self.folder._error("read", self.shown, error) from None
        names = [name for name in self.state if name in after and after[name] != self.state[name]]
        if names or len(data) != size:
            raise changed_error(self.shown, f"its {', '.join(names) or 'size'}")
        return data
