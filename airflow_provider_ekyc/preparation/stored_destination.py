"""Prepared files in any store that Airflow's object storage knows."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from functools import cached_property
from typing import Any, BinaryIO, Final, cast

from airflow_provider_ekyc.exceptions import EkycDestinationError
from airflow_provider_ekyc.preparation.destination import check_size, not_known, not_written
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.spool import Spool

log = logging.getLogger(__name__)

_BLOCK: Final = 1 << 20


class StoredDestination:
    """
    Files that ``ObjectStoragePath`` writes.

    Whether a file becomes visible at once is up to the store. What is not whole is removed where that is possible, and
    its name is not returned.

    :param directory: the address as it was given, without a slash at its end
    :param conn_id: Airflow connection
    """

    def __init__(self, directory: str, conn_id: str | None) -> None:
        self._directory, self._conn_id = directory, conn_id

    def uri(self, name: str) -> str:
        """Return the file's address."""
        return f"{self._directory}/{name}"

    def prepare(self) -> None:
        """Find the file system."""
        try:
            _ = self._root.fs
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._not_written("", error) from None

    def read(self, name: str) -> bytes | None:
        """Return the file's content, None if there is no such file."""
        try:
            path = self._path(name)
            content: bytes = path.read_bytes()
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._not_known(name, error) from None
        return content

    def size(self, name: str) -> int | None:
        """Return the bytes of the file, None if there is no such file."""
        try:
            path = self._path(name)
            size = path.fs.info(path.path).get("size")
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._not_known(name, error) from None
        return int(size)

    def write(self, name: str, file: Spool, sums: FileSums, content_type: str) -> None:
        """Write the file."""
        try:
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("wb") as target:
                    file.seek(0)
                    shutil.copyfileobj(cast("BinaryIO", file), target, _BLOCK)
            except BaseException:
                self._remove(path, name)
                raise
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._not_written(name, error) from None
        check_size(self.uri(name), self.size(name), sums.size)

    def create(self, name: str, body: bytes) -> bool:
        """Write the file if there is none; two writers at the same moment may both write."""
        if self.size(name) is not None:
            return False
        try:
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(body)
            except BaseException:
                self._remove(path, name, part_of=body)
                raise
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise self._not_written(name, error) from None
        check_size(self.uri(name), self.size(name), len(body))
        return True

    def _remove(self, path: Any, name: str, *, part_of: bytes | None = None) -> None:
        """
        Remove what is not whole.

        :param part_of: what it is a part of; anything else there is of another writer, and stays
        """
        try:
            if part_of is not None:
                with suppress(FileNotFoundError):
                    found = path.read_bytes()
                    if found != part_of and part_of.startswith(found):
                        path.unlink()
            else:
                path.unlink(missing_ok=True)
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            log.warning(
                "%s was not written to its end and can't be removed (%s). %s",
                *(self.uri(name), type(error).__name__),
                "A retry replaces it." if part_of is None else "Delete it if it is there in part.",
            )

    def _path(self, name: str) -> Any:
        path = self._root / name
        path.fs.invalidate_cache()  # many file systems cache their listings
        return path

    @cached_property
    def _root(self) -> Any:
        from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath

        return ObjectStoragePath(self._directory, conn_id=self._conn_id)

    def _not_written(self, name: str, error: Exception) -> EkycDestinationError:
        why, advice, retryable = self._explain(error)
        return not_written(self.uri(name), why, advice, retryable=retryable)

    def _not_known(self, name: str, error: Exception) -> EkycDestinationError:
        why, advice, retryable = self._explain(error)
        return not_known(self.uri(name), why, advice, retryable=retryable)

    def _explain(self, error: Exception) -> tuple[str, str, bool]:
        """Return what an error means: a few words, what to do, and whether a retry may help."""
        why = f"{type(error).__name__}: {redact(str(error))}"
        if isinstance(error, ValueError | ImportError):
            return why, "Install the Airflow provider with that file system, or correct destination_uri.", False
        if isinstance(error, PermissionError):
            return why, f"Grant the connection {self._conn_id!r} write access to destination_uri.", False
        return why, f"If the error persists, check destination_uri and the connection {self._conn_id!r}.", True
