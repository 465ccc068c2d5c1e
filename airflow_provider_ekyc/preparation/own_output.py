"""What this operator has written is not a list to read: it would be prepared, and perhaps paid for, once more. Pure."""

from __future__ import annotations

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.numbers.address import read_address
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED
from airflow_provider_ekyc.preparation.destinations import Target
from airflow_provider_ekyc.preparation.manifest import is_own_name


class OwnOutput:
    """
    The places of what a preparation writes.

    :param manifest: it has the files beside it
    :param rejects: None if rejected rows are not written
    """

    def __init__(self, manifest: Target, rejects: Target | None) -> None:
        self._directory = _shown(manifest.destination.uri("")).rstrip("/") + "/"
        self._rejects = None if rejects is None else _shown(rejects.uri)

    def refuse_around(self, numbers: object) -> None:
        """
        Refuse a prefix that the places are below, before anything is there.

        :param numbers: the operator's argument
        :raises EkycSettingsError: if there is one
        """
        for value in numbers if isinstance(numbers, list) else [numbers]:
            text = str(value)
            if not text.endswith("/"):
                continue
            prefix = _shown(text)
            if self._directory.startswith(prefix) or (self._rejects or "").startswith(prefix):
                raise _refused(f"{prefix} in numbers is around destination_uri or rejects_uri")

    def refuse(self, name: str) -> None:
        """
        Refuse a source that was written here, as a glob may find it.

        :param name: of the source, as messages name it
        :raises EkycSettingsError: if it is one
        """
        file = name.removeprefix(self._directory)
        if (file != name and is_own_name(file)) or name == self._rejects:
            raise _refused(f"{name} is among the lists to read, and was written by this operator")


def _refused(what: str) -> EkycSettingsError:
    return EkycSettingsError(
        f"{what}. {NOTHING_CHARGED} Set destination_uri and rejects_uri to places outside of what numbers names, then "
        f"clear this task."
    )


def _shown(uri: str) -> str:
    """Return an address as messages name a source: ``s3a://`` as ``s3://``, and a file by its absolute path."""
    return read_address(f"{uri}x").shown.removesuffix("x")  # the last character keeps a slash before it
