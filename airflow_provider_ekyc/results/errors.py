"""How the errors of a result end: what was done with it, what it cost, what to do."""

from __future__ import annotations

from typing import Final

from airflow_provider_ekyc.exceptions import EkycApiError, EkycNotFoundError, EkycResultError

#: What became of a result that was refused, and what it cost.
NOTHING_LANDED: Final = "Nothing was landed. The submission is already paid for and will not be charged again."

#: What to do if the archive may have been damaged during the download.
DOWNLOAD_AGAIN: Final = (
    "Clear this task to download it again; if the error persists, ask the vendor about this task id."
)

#: How to land an archive that is whole and whose contents are not understood.
AS_DELIVERED: Final = "To land the archive as it was delivered, unread, set output_format='zip' and check='archive'."


def contents_error(problem: str, remedy: str = "Ask the vendor.", *, again: bool = False) -> EkycResultError:
    """
    Make the error of a result whose archive is whole and whose contents are not understood.

    :param problem: a sentence
    :param remedy: what to do first
    :param again: whether to download it again is what to do first
    """
    return EkycResultError(f"{problem} {NOTHING_LANDED} {DOWNLOAD_AGAIN if again else remedy} {AS_DELIVERED}")


def download_error(error: EkycApiError) -> EkycApiError:
    """Add to a failure of the API, or of the download, what it means for the transfer."""
    if isinstance(error, EkycNotFoundError):
        # Whether the id is of a paid task is what is not known here.
        return error.with_message(f"{error.message} Nothing was landed. A submission that was accepted is paid for.")
    again = " A retry requests the result again." if error.retryable else ""
    return error.with_message(f"{error.message} {NOTHING_LANDED}{again}")
