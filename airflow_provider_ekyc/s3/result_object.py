"""What is said of a result in S3: in an XCom, in an asset event, and in the object's own metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

#: Counts, of which not every object has each: its rows were not read, or an earlier version did not write it.
_COUNTS = ("rows", "yes", "no", "unknown", "unmatched", "distinct", "contradictions", "missing")

#: The format of an object that holds numbers without an answer.
UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Landed:
    """
    A result in S3: the second XCom of ``EkycResultsToS3Operator``, in ids and counts alone.

    :param s3_uri: where it is
    :param rows: rows in it; None, as the three counts of answers, if only the archive itself was checked
    :param size: bytes
    :param sha256: hex digest of the object
    :param unmatched: numbers that were sent and are not in the result; None if that is not known
    :param unmatched_uri: where these are, if they were landed
    :param distinct: different numbers in it; None if its rows were not read
    :param contradictions: numbers that are in it both as yes and as no; None likewise
    :param missing: how many numbers fewer it has than were sent, by count alone; None if that is not known
    """

    ekyc_task_id: str
    s3_uri: str
    output_format: str
    rows: int | None
    yes: int | None
    no: int | None
    unknown: int | None
    size: int
    sha256: str
    unmatched: int | None = None
    unmatched_uri: str | None = None
    distinct: int | None = None
    contradictions: int | None = None
    missing: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def shown(self) -> str:
        """The kind of object, as messages name it."""
        if self.output_format == UNMATCHED:
            return "the list of unmatched numbers"
        return f"the result ({self.output_format})"

    def metadata(self) -> dict[str, str]:
        """Return what the object itself carries, so that it is known again."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {
            "ekyc-task-id": self.ekyc_task_id,
            "ekyc-format": self.output_format,
            "ekyc-size": str(self.size),
            "ekyc-sha256": self.sha256,
            **{f"ekyc-{name}": str(count) for name, count in counts.items() if count is not None},
            **({} if self.unmatched_uri is None else {"ekyc-unmatched-uri": quote(self.unmatched_uri, safe=":/")}),
        }


def read_metadata(uri: str, found: Mapping[str, Any]) -> Landed | None:
    """
    Read our own metadata.

    :param found: S3's answer to a HEAD
    :return: None if the object is not ours
    """
    metadata = found.get("Metadata", {})
    unmatched_uri = metadata.get("ekyc-unmatched-uri")
    try:
        return Landed(
            ekyc_task_id=metadata["ekyc-task-id"],
            s3_uri=uri,
            output_format=metadata.get("ekyc-format", "zip"),  # the first versions landed nothing else
            size=int(metadata.get("ekyc-size", found["ContentLength"])),  # the first versions wrote none
            sha256=metadata["ekyc-sha256"],
            unmatched_uri=None if unmatched_uri is None else unquote(unmatched_uri),
            **{name: int(metadata[f"ekyc-{name}"]) if f"ekyc-{name}" in metadata else None for name in _COUNTS},
        )
    except (KeyError, ValueError):
        return None
