"""What an older Airflow lacks, in sentences that the page shows. Pure."""

from __future__ import annotations

_BELOW_3_2 = (
    "This Airflow's connection form does not show the fields of an eKYC connection: write them into Extra as JSON."
)


def lacks_of(version: str) -> list[str]:
    """
    Return what the running Airflow lacks for this page; nothing of it is needed to submit, to wait or to land.

    :param version: of Airflow
    """
    parts = version.split(".")
    known = tuple(int(part) for part in parts[:2] if part.isdigit())
    return [_BELOW_3_2] if known < (3, 2) else []
