"""
All errors of this package.

Free of Airflow and picklable. A message says what happened, what it cost, what a retry will do and what to do
now; it never holds a phone number, an API key or the query of a URL. ``airflow_errors.py`` turns these
into Airflow's exceptions where a task ends, with the same attributes. ``docs/failures.md`` has a table of them.
"""

from __future__ import annotations

from copy import copy
from enum import StrEnum
from typing import Self, TypedDict


class Outcome(StrEnum):
    """What is known of a call that failed: whether the server accepted it, and may have charged it."""

    NOT_SENT = "not_sent"  #: no byte of the body was sent: certainly not accepted
    REFUSED = "refused"  #: certainly not accepted: the API itself refused it, or not all of it was sent
    UNKNOWN = "unknown"  #: it may have been accepted and charged


class Charge(StrEnum):
    """Whether the submission that an error is about was charged, as far as the failed try knows."""

    NONE = "none"  #: this try's submission was not accepted, so it was not charged
    POSSIBLE = "possible"  #: it may have been charged: look before you submit the same numbers again
    CERTAIN = "certain"  #: it is already paid for: to submit the same numbers again is charged again


class Details(TypedDict):
    """What an error knows, as plain values: for a trigger's event, and for a callback."""

    kind: str
    status: int | None
    retryable: bool
    retry_after: float | None
    charge: str


class EkycError(Exception):
    """
    Root of all errors of this package.

    :param message: what happened and what to do, for the person on call
    :param retryable: whether the same attempt, made again later, may succeed; None for what the class says
    :param kind: a word for this kind of error, where it has no class of its own
    :param charge: whether the submission was charged; None for what the class says
    """

    #: A word for this kind of error, which stays the same in later releases.
    kind: str = "unexpected"
    #: HTTP status of the answer, or None if there was none.
    status: int | None = None
    retryable: bool = False
    #: Seconds that the server asked to wait, or None.
    retry_after: float | None = None
    #: Not foreseen is not free.
    charge: Charge = Charge.POSSIBLE
    #: The way out of this very error, one step or one key a line, for a log; empty for that of its kind.
    steps: tuple[str, ...] = ()
    #: What of the message the steps say in other words, and a log leaves out.
    advice: str = ""

    def __init__(
        self, message: str, *, retryable: bool | None = None, kind: str | None = None, charge: Charge | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = self.retryable if retryable is None else retryable
        self.kind = kind or self.kind
        self.charge = charge or self.charge

    def with_steps(self, *steps: str, advice: str = "") -> Self:
        """
        Return the error with a way out of its own for a log.

        :param steps: one step, or one key or id, a line
        :param advice: what of the message they say in other words
        """
        self.steps, self.advice = steps, advice
        return self

    def with_message(self, message: str) -> Self:
        """Return the same error with another message."""
        other = copy(self)
        other.message, other.args = message, (message,)
        return other

    def details(self, *, submitted: bool = False) -> Details:
        """
        Return what is known beside the message.

        :param submitted: whether it is about a remote task: then nothing shows that it was not charged
        """
        charge = Charge.POSSIBLE if submitted and self.charge is Charge.NONE else self.charge
        return {
            "kind": self.kind,
            "status": self.status,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "charge": charge.value,
        }


class EkycApiError(EkycError):
    """
    A call to the API failed.

    :param message: what happened and what to do
    :param status: HTTP status, or None if there was no answer
    :param retryable: whether the same call may succeed later; never true of an unknown outcome, since a second
        call may be charged a second time
    :param retry_after: seconds that the server asked to wait, or None
    :param outcome: whether the server accepted the call
    :param possible_ids: of a submission: what may be the id of the task that it made, as the answer wrote it
    """

    kind = "unavailable"

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
        is_unknown = outcome is Outcome.UNKNOWN
        charge = Charge.POSSIBLE if is_unknown else Charge.NONE
        super().__init__(message, retryable=retryable and not is_unknown, charge=charge)
        self.status = status
        self.retry_after = retry_after
        self.outcome = outcome
        self.possible_ids = possible_ids


class EkycAuthenticationError(EkycApiError):
    """The API itself says that the key is missing, wrong or not allowed (401, 403)."""

    kind = "authentication"


class EkycBalanceError(EkycApiError):
    """The account's balance is too low (402); no task was made."""

    kind = "balance"


class EkycRequestError(EkycApiError):
    """The API refused the request as wrong (400 and other 4xx); ``outcome`` says whether that is known to be free."""

    kind = "refused"


class EkycNotFoundError(EkycApiError):
    """The API itself knows no such task (404); a page of a proxy with this code is an ``EkycAnswerError``."""

    kind = "not_found"


class EkycTooLargeError(EkycApiError):
    """The file is larger than the API, or a proxy before it, accepts (413)."""

    kind = "too_large"


class EkycRateLimitError(EkycApiError):
    """Too many calls (429), as the API or a proxy before it says."""

    kind = "rate_limited"


class EkycServerError(EkycApiError):
    """The API, or a proxy before it, failed (5xx)."""


class EkycConnectionError(EkycApiError):
    """No answer arrived: not reached, timed out, or the connection broke."""


class EkycAnswerError(EkycApiError):
    """An answer that can't be read or is not the API's: broken JSON, HTML, a redirect, another task's."""

    kind = "unexpected_answer"


class EkycProxyError(EkycAnswerError):
    """Another server answered in the place of the API: a page of a proxy or of a sign-in, a redirect, a 407."""

    kind = "proxy"


class EkycUnknownOutcomeError(EkycApiError):
    """A submission may or may not have been accepted and charged; it is never sent again by itself."""

    kind = "unknown_outcome"


class EkycJournalError(EkycError):
    """It can't be read or written whether this was submitted before; no submission is sent then."""

    kind = "journal"


class EkycInProgressError(EkycError):
    """Another try is submitting the same file at this moment."""

    kind = "in_progress"
    retryable = True


class EkycExpiredUrlError(EkycApiError):
    """The presigned result URL is no longer valid; asking the API again may give a fresh one."""

    kind = "expired_url"


class EkycSettingsError(EkycError):
    """The connection, or an argument of an operator, is wrong."""

    kind = "settings"
    charge = Charge.NONE


class EkycNoConnectionError(EkycSettingsError):
    """Airflow has no such connection, or could not read it just now: it does not distinguish the two."""

    retryable = True


class EkycNumbersError(EkycError):
    """The input file can't be submitted; nothing was sent, nothing charged."""

    kind = "input"
    charge = Charge.NONE


class EkycSpendingError(EkycError):
    """
    A submission would exceed a limit of its task, or that can't be known; nothing was sent, nothing charged.

    Where files of an earlier try exceed one that was lowered since, they may be submitted and charged already.
    """

    kind = "spending_limit"
    charge = Charge.NONE


class EkycUnreadableInputError(EkycError):
    """The input can't be read just now, or the connection to it broke; nothing was sent, nothing charged."""

    kind = "input"
    retryable = True
    charge = Charge.NONE


class EkycHistoryError(EkycError):
    """The history of landed results can't be read; ``retryable`` says whether a retry may help. Nothing was sent."""

    kind = "history"
    charge = Charge.NONE


class EkycSignInError(EkycError):
    """An AWS connection can't be used, or not now; ``retryable`` says which."""

    kind = "aws_connection"
    charge = Charge.NONE


class EkycSpoolError(EkycError):
    """A temporary file can't be written; nothing was submitted, and no object was written."""

    kind = "disk"
    retryable = True
    charge = Charge.NONE


class EkycDestinationError(EkycError):
    """A prepared file can't be written, or it is not known whether it is there; nothing was submitted."""

    kind = "destination"
    charge = Charge.NONE


class EkycManifestError(EkycError):
    """
    What an earlier try of this task has prepared is not what this one would prepare, or can't be read.

    Its files may have been submitted already: to prepare others may be charged again.
    """

    kind = "manifest"


class EkycTaskFailedError(EkycError):
    """The remote task ended as ``failed``, or not as asked for; whether that is charged is not documented."""

    kind = "remote_task_failed"


class EkycNotExportedError(EkycError):
    """The remote task's results are not ready yet."""

    kind = "not_exported"
    retryable = True
    charge = Charge.CERTAIN


class EkycTimeoutError(EkycError):
    """The remote task was not exported before the end of the wait."""

    kind = "timeout"


class EkycResultError(EkycError):
    """The result archive is not what it should be; no object was written."""

    kind = "result"
    charge = Charge.CERTAIN


class EkycLandingError(EkycError):
    """S3 rejected the object, or did not confirm it; no partial object is visible at the key."""

    kind = "s3"
    retryable = True
    charge = Charge.CERTAIN


class EkycKeyTakenError(EkycError):
    """The S3 key already contains another object; nothing was downloaded or overwritten."""

    kind = "object_exists"


class EkycIcebergError(EkycError):
    """The Iceberg table, or its catalog, can't be used, or did not confirm a commit; nothing is added to it twice."""

    kind = "iceberg"
    charge = Charge.CERTAIN
