"""What this operator has written is not a list to read: it would be prepared, and perhaps paid for, once more. Pure."""

from __future__ import annotations

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.numbers.address import read_address, read_numbers
from airflow_provider_ekyc.preparation.destination import NOTHING_CHARGED
from airflow_provider_ekyc.preparation.destinations import Target
from airflow_provider_ekyc.preparation.manifest import is_own_name


class OwnOutput:
    """
    The places of what a preparation writes.

    :param manifest: it has the files beside it
    :param rejects: None if rejected rows are not written
    :param numbers: the operator's argument
    """

    def __init__(self, manifest: Target, rejects: Target | None, numbers: object) -> None:
        self._numbers = numbers if isinstance(numbers, list) else [numbers]
        self._directory = _shown(manifest.destination.uri("")).rstrip("/") + "/"
        self._rejects = None if rejects is None else _shown(rejects.uri)

    def refuse_around(self) -> None:
        """
        Refuse a prefix that the places are below, before anything is there.

        :raises EkycSettingsError: if there is one
        """
        for value in self._numbers:
            text = str(value)
            if not text.endswith("/"):
                continue
            prefix = _shown(text)
            if self._directory.startswith(prefix) or (self._rejects or "").startswith(prefix):
                raise _refused(f"{prefix} in numbers is around destination_uri or rejects_uri")

    def refuse(self, name: str) -> None:
        """
        Refuse a source that was written here or, as a prefix or a glob may find it, at the destination of another run.

        :param name: of the source, as messages name it
        :raises EkycSettingsError: if it is one
        """
        directory, _, file = name.rpartition("/")
        if name == self._rejects or (f"{directory}/" == self._directory and is_own_name(file)):
            raise _refused(f"{name} is among the lists to read, and was written by this operator")
        # What a user names by itself may be wanted, such as files that another task has prepared.
        if is_own_name(file) and name not in {_shown(read_numbers(value)) for value in self._numbers}:
            raise _refused(
                f"{name} is among the lists to read, and was written by this operator in another run or for another "
                f"destination",
                " To read such a file all the same, name it by itself.",
            )


def _refused(what: str, more: str = "") -> EkycSettingsError:
    return EkycSettingsError(
        f"{what}. {NOTHING_CHARGED} Set destination_uri and rejects_uri to places outside of what numbers names, then "
        f"clear this task.{more}"
    )


def _shown(uri: str) -> str:
    """Return an address as messages name a source: ``s3a://`` as ``s3://``, and a file by its absolute path."""
    return read_address(f"{uri}x").shown.removesuffix("x")  # the last character keeps a slash before it
