"""What is said of a result in S3: in an XCom, in an asset event, and in the object's own metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from airflow_provider_ekyc.results.formats import Output

#: The format of an object that holds numbers without an answer.
UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result is to lie."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The address as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Landed:
    """
    A result in S3: the second XCom of ``EkycResultsToS3Operator``, in ids and counts alone.

    :param s3_uri: where it lies
    :param size: bytes
    :param sha256: hex digest of the object
    :param unmatched: numbers that were sent and did not come back; None if that was not found out
    :param unmatched_uri: where these lie, if they were landed
    """

    ekyc_task_id: str
    s3_uri: str
    output_format: str
    rows: int
    yes: int
    no: int
    unknown: int
    size: int
    sha256: str
    unmatched: int | None = None
    unmatched_uri: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def shown(self) -> str:
        """Say in a message what kind of object it is."""
        if self.output_format == UNMATCHED:
            return "the list of unmatched numbers"
        return f"the result ({self.output_format})"

    def metadata(self) -> dict[str, str]:
        """Return what the object itself carries, so that it is known again."""
        return {
            "ekyc-task-id": self.ekyc_task_id,
            "ekyc-format": self.output_format,
            "ekyc-sha256": self.sha256,
            "ekyc-rows": str(self.rows),
            "ekyc-yes": str(self.yes),
            "ekyc-no": str(self.no),
            "ekyc-unknown": str(self.unknown),
            **({} if self.unmatched is None else {"ekyc-unmatched": str(self.unmatched)}),
            **({} if self.unmatched_uri is None else {"ekyc-unmatched-uri": quote(self.unmatched_uri, safe=":/")}),
        }


def describe(place: Place, ekyc_task_id: str, output: Output) -> Landed:
    """Put together what there is to say of a result, before anything is said of unmatched numbers."""
    return Landed(
        ekyc_task_id=ekyc_task_id,
        s3_uri=place.uri,
        output_format=output.output_format,
        rows=output.summary.rows,
        yes=output.summary.yes,
        no=output.summary.no,
        unknown=output.summary.unknown,
        size=output.size,
        sha256=output.sha256,
    )


def read_metadata(place: Place, found: Mapping[str, Any]) -> Landed | None:
    """
    Read our own metadata.

    :param found: S3's answer to a HEAD
    :return: None if the object is not ours
    """
    metadata = found.get("Metadata", {})
    unmatched, unmatched_uri = metadata.get("ekyc-unmatched"), metadata.get("ekyc-unmatched-uri")
    try:
        return Landed(
            ekyc_task_id=metadata["ekyc-task-id"],
            s3_uri=place.uri,
            output_format=metadata.get("ekyc-format", "zip"),  # the first versions landed nothing else
            rows=int(metadata["ekyc-rows"]),
            yes=int(metadata["ekyc-yes"]),
            no=int(metadata["ekyc-no"]),
            unknown=int(metadata["ekyc-unknown"]),
            size=int(found["ContentLength"]),
            sha256=metadata["ekyc-sha256"],
            unmatched=None if unmatched is None else int(unmatched),
            unmatched_uri=None if unmatched_uri is None else unquote(unmatched_uri),
        )
    except (KeyError, ValueError):
        return None
