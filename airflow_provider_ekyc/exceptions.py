"""
The one tree of errors, used on every floor.

Free of Airflow and picklable. A message says what happened, what it cost, what a retry will do and what to
do now; it never holds a phone number, an API key or the query of a URL. ``airflow_errors.py`` turns these
into Airflow's exceptions where a task ends.
"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What is known of a call that failed: whether the server took it (and may have charged it)."""

    NOT_SENT = "not_sent"  #: no byte of the body left: certainly not taken
    REFUSED = "refused"  #: certainly not taken: the API itself refused it, or not all of it was sent
    UNKNOWN = "unknown"  #: it may have been taken and charged


class EkycError(Exception):
    """
    Root of all errors of this package.

    :param message: what happened and what to do, for the person on call
    """

    #: Whether the same attempt, made again later, may succeed.
    retryable: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EkycApiError(EkycError):
    """
    A call to the API failed.

    :param message: what happened and what to do
    :param status: HTTP status, or None if there was no answer
    :param retryable: whether the same call may succeed later; never true of an unknown outcome, since a second
        call may be charged a second time
    :param retry_after: seconds that the server asked to wait, or None
    :param outcome: whether the server took the call
    :param possible_ids: of a submission: what may be the id of the task that it made, as the answer wrote it
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        outcome: Outcome = Outcome.REFUSED,
        possible_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable and outcome is not Outcome.UNKNOWN
        self.retry_after = retry_after
        self.outcome = outcome
        self.possible_ids = possible_ids


class EkycAuthenticationError(EkycApiError):
    """The API itself says that the key is missing, wrong or not allowed (401, 403)."""


class EkycBalanceError(EkycApiError):
    """The account's balance is too low (402); no task was made."""


class EkycRequestError(EkycApiError):
    """The API refused the request as wrong (400 and other 4xx); ``outcome`` says whether that is known to be free."""


class EkycNotFoundError(EkycApiError):
    """The API itself knows no such task (404); a page of a proxy with this code is an ``EkycAnswerError``."""


class EkycTooLargeError(EkycApiError):
    """The file is larger than the API, or a proxy before it, accepts (413)."""


class EkycRateLimitError(EkycApiError):
    """Too many calls (429), as the API or a proxy before it says."""


class EkycServerError(EkycApiError):
    """The API, or a proxy before it, failed (5xx)."""


class EkycConnectionError(EkycApiError):
    """No answer came: not reached, timed out, or the connection broke."""


class EkycAnswerError(EkycApiError):
    """An answer that can't be read or is not the API's: broken JSON, HTML, a redirect, another task's."""


class EkycUnknownOutcomeError(EkycApiError):
    """A submission may or may not have been accepted and charged; it is never sent again by itself."""


class EkycSendLimitError(EkycError):
    """A submission was sent as often as it is sent by itself, over all tries of the task, and not accepted."""


class EkycJournalError(EkycError):
    """
    It can't be read or written whether this was submitted before; nothing is sent then.

    :param message: what happened and what to do
    :param retryable: whether the journal may be back later
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class EkycInProgressError(EkycError):
    """Another try is submitting the same file at this moment."""

    retryable = True


class EkycExpiredUrlError(EkycApiError):
    """The presigned result URL is no longer valid; asking the API again may give a fresh one."""


class EkycSettingsError(EkycError):
    """The connection, or an argument of an operator, is wrong."""


class EkycNoConnectionError(EkycSettingsError):
    """Airflow has no such connection, or could not read it just now: it does not tell one from the other."""

    retryable = True


class EkycKilledError(EkycError):
    """The task was killed before anything was sent."""

    retryable = True


class EkycNumbersError(EkycError):
    """The input file can't be submitted; nothing was sent, nothing charged."""


class EkycUnreadableInputError(EkycError):
    """The input can't be read just now, or the connection to it broke; nothing was sent, nothing charged."""

    retryable = True


class EkycSignInError(EkycError):
    """
    An AWS connection can't be used, or not now.

    :param message: what happened and what to do
    :param retryable: whether it may work later
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class EkycSpoolError(EkycError):
    """A temporary file can't be written; nothing was sent or landed."""

    retryable = True


class EkycTaskFailedError(EkycError):
    """The remote task ended as ``failed``, or not as asked for."""


class EkycNotExportedError(EkycError):
    """The remote task's results are not ready yet."""

    retryable = True


class EkycResultError(EkycError):
    """The result archive is not what it should be; nothing was landed."""


class EkycLandingError(EkycError):
    """S3 did not take the object, or did not say so; nothing half is visible at the key."""

    retryable = True


class EkycKeyTakenError(EkycError):
    """Something else lies at the S3 key; nothing was downloaded or overwritten."""
