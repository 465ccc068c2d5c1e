"""What an earlier try of this task instance has prepared: its files may have been submitted already."""

from __future__ import annotations

from airflow_provider_ekyc.exceptions import EkycManifestError
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.preparation.destinations import Target
from airflow_provider_ekyc.preparation.manifest import Manifest


def find_earlier(target: Target, *, task: str, arguments: str) -> Manifest | None:
    """
    Return what an earlier try has prepared, if it has prepared any file: otherwise it has written no manifest.

    :param target: of the manifest; its files are in the same place
    :param task: hex digest of DAG, run, task and map index
    :param arguments: hex digest of the arguments that decide what is prepared
    :raises EkycManifestError: if it can't be read, belongs to another task, was written with other arguments, or names
        a file that is not there, or is of another size
    :raises EkycDestinationError: if the destination does not answer
    """
    destination = target.destination
    body = destination.read(target.name)
    if body is None:
        return None
    shown = shown_path(target.uri)
    try:
        manifest = Manifest.read(body)
    except ValueError as error:
        raise _unusable(shown, f"can't be read ({error})", "Restore it, or") from None
    if manifest.task != task:
        raise _unusable(shown, "belongs to another task", "Restore it, or")
    if manifest.arguments != arguments:
        raise _unusable(shown, "was written with other arguments", "Restore the arguments, or")
    sizes = [(file, destination.size(file.name)) for file in manifest.files]
    if missing := sum(size is None for _, size in sizes):
        raise _unusable(shown, f"names files that are not there ({missing:,} of {len(sizes):,})", "Restore them, or")
    if changed := sum(size != file.bytes for file, size in sizes):
        raise _unusable(
            shown, f"names files that have another size now ({changed:,} of {len(sizes):,})", "Restore them, or"
        )
    return manifest


def _unusable(shown: str, why: str, first: str) -> EkycManifestError:
    return EkycManifestError(
        f"{first} check that nothing of the list was submitted, then delete {shown}. This manifest of an earlier try "
        f"of this task {why}. Its files may have been submitted; other files with the same numbers would be charged "
        f"again. Nothing was submitted or charged by this try. A retry can't help. Then clear this task."
    )
