"""
What a failure means: classified once, for both clients. Pure.

Money and codes follow ``docs/api.md``. What an answer means depends on its code, on who wrote it
(:func:`~airflow_provider_ekyc.api.answers.author_of`) and on the ids in it; what is not listed is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_provider_ekyc.api.answers import REASONS, Author, Call, HttpAnswer, author_of, read_json, retry_after
from airflow_provider_ekyc.api.paid_ids import NO_IDS, FoundIds
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycNotFoundError,
    EkycProxyError,
    EkycRateLimitError,
    EkycRequestError,
    EkycServerError,
    EkycTooLargeError,
    Outcome,
)

# Codes with which the vendor refuses a submission without a charge, in JSON of its own. 400 and 500: its API page
# calls them free. 401 (no valid key, so no account to charge), 402 ("before billing, makes no task"), 413 (file not
# accepted) and 429 (too many calls, the work not begun) are on other pages of the vendor. Not here: 403, which no page
# lists, and 404, which is listed for a task that is asked for, not for a submission.
_FREE = frozenset({400, 401, 402, 413, 429, 500})

# Refusals that by their meaning precede the work (RFC 9110). From any server, if the upload was not complete: no
# server can have accepted a file of which a part was never sent.
_REFUSED_EARLY = frozenset({401, 402, 403, 407, 413})

# Codes of the vendor itself that a later query may not get, beside 5xx and what is no error.
_TEMPORARY = frozenset({408, 409, 425, 429, 499})


def submission_outcome(answer: HttpAnswer, ids: FoundIds = NO_IDS) -> Outcome:
    """
    Return what is known of a submission that was answered, and not with the receipt.

    ``REFUSED``, which is free, needs the vendor's own JSON under a code that its pages call free, or a refusal before
    the whole file was sent; and no sign of a task. Everything else is ``UNKNOWN``.

    :param ids: signs of a task that was made
    """
    if ids.possible or ids.cut_off:
        return Outcome.UNKNOWN
    if answer.status in _REFUSED_EARLY and not answer.request_sent:
        return Outcome.REFUSED
    if answer.status in _FREE and author_of(answer) is Author.VENDOR:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def is_retryable(answer: HttpAnswer) -> bool:
    """
    Return whether a query that failed with this answer may succeed later.

    Only the vendor's own refusal is final: what a proxy says is about the proxy.
    """
    temporary = answer.status < 400 or answer.status >= 500 or answer.status in _TEMPORARY
    return temporary or author_of(answer) is not Author.VENDOR


def classify_status(
    call: Call, answer: HttpAnswer, redacted: Callable[[str], str], ids: FoundIds = NO_IDS
) -> EkycApiError:
    """
    Say what an HTTP status other than 2xx means for this call.

    :param redacted: returns a text without what must not be shown
    :param ids: of a submission: what may be the id of the task that it made
    """
    said = server_message(answer.body, redacted)
    kind, happened, advice = _meaning(call, answer)
    quoted = f' The server says: "{said}".' if said and said != author_of(answer).value else ""
    if call is Call.SUBMIT:
        outcome = submission_outcome(answer, ids)
        retryable = outcome is Outcome.REFUSED and answer.status in (429, 500)
        cost = " Nothing was charged." if outcome is Outcome.REFUSED else ""
        if outcome is Outcome.UNKNOWN:
            advice = ""  # what to do first is to find out whether it was accepted, as the caller says
    else:
        outcome, cost = Outcome.REFUSED, ""
        retryable = is_retryable(answer)
    return kind(
        f"{happened}{quoted}{cost}{ids.shown}{advice}",
        status=answer.status,
        retryable=retryable,
        retry_after=retry_after(answer.headers, answer.received_at),
        outcome=outcome,
        possible_ids=ids.possible,
    )


def _meaning(call: Call, answer: HttpAnswer) -> tuple[type[EkycApiError], str, str]:
    """Return the class of the error, what happened, and what to do about it."""
    status, author = answer.status, author_of(answer)
    if status == 429:
        who = "The API" if author is Author.VENDOR else f"The API, or a proxy before it ({author.value}),"
        return EkycRateLimitError, f"{who} asks to slow down (429).", ""
    if status == 407:
        return (
            EkycProxyError,
            "The proxy before the API wants other credentials (407).",
            " Put them into the URL of the connection's proxy, or of the environment's.",
        )
    if status >= 500:
        who = "The API" if status == 500 and author is Author.VENDOR else "The API, or a proxy before it,"
        return EkycServerError, f"{who} failed on the {call} ({status}).", ""
    if status == 413 and call is Call.SUBMIT:
        who = "the API" if author is Author.VENDOR else f"the API, or for a proxy before it ({author.value})"
        return (
            EkycTooLargeError,
            f"The file is too large for {who} (413).",
            " Split the input into smaller files and submit each (a mapped EkycSubmitOperator does); a retry can't "
            "help.",
        )
    if status < 400:
        return (
            EkycProxyError,
            f"The {call} was answered with a redirect or another unexpected code ({status}), which is not followed: "
            f"the key goes to the connection's host alone.",
            " If the error persists, check the connection's host and proxy.",
        )
    if author is not Author.VENDOR:
        return (
            EkycProxyError,
            f"The {call} was answered by {author.value}, not by the API ({status}).",
            " If the error persists, check the connection's host, and the proxies and gateways before the API.",
        )
    return _refusal(call, status)


def _refusal(call: Call, status: int) -> tuple[type[EkycApiError], str, str]:
    """Return the same for the vendor's own refusals."""
    if status in (401, 403):
        return (
            EkycAuthenticationError,
            f"The API refused access with this key ({status}).",
            " Set the API key in the connection's password field, then clear this task; a retry alone can't help.",
        )
    if status == 402:
        return (
            EkycBalanceError,
            "The account's balance is too low (402).",
            " Top up the account, then clear this task; a retry alone can't help.",
        )
    if status == 404 and call is Call.STATUS:
        return (
            EkycNotFoundError,
            "The API knows no task with this id (404).",
            " Check ekyc_task_id, and that the connection is of the account that submitted it; a retry can't help.",
        )
    if status in _TEMPORARY:
        return EkycServerError, f"The {call} was not answered ({status}).", ""
    return (
        EkycRequestError,
        f"The API refused the {call} ({status}).",
        " Correct the input or the arguments, then clear this task; a retry can't help.",
    )


def classify_result_status(answer: HttpAnswer) -> EkycApiError:
    """
    Say what an HTTP status other than 200 and 206 means for a download from S3.

    S3 answers with XML that holds a code: an expired URL with 403 ``Request has expired``, and 400 ``ExpiredToken``
    when the session that signed it has ended. What has no such code is not the store's answer.
    """
    status = answer.status
    text = answer.body[:4096].decode("utf-8", "replace")
    match = re.search(r"<Code>([A-Za-z]{1,60})</Code>", text)
    author = author_of(answer)
    # Whatever its JSON looks like, it is not the API that was asked.
    shown = "a JSON object" if author in (Author.VENDOR, Author.JSON) else author.value
    code = match[1] if match else shown
    if (status == 403 and match and "expired" in text.lower()) or (status == 400 and code == "ExpiredToken"):
        return EkycExpiredUrlError(f"The result's URL has expired ({status}, {code}).", status=status)
    if status in (408, 429) or status >= 500:
        return EkycServerError(
            f"The result's store is not ready ({status}, {code}).",
            status=status,
            retryable=True,
            retry_after=retry_after(answer.headers, answer.received_at),
        )
    if match is None:
        redirect = " A redirect is not followed." if 300 <= status < 400 else ""
        return EkycProxyError(
            f"The result download was answered by {code}, not by the result's store ({status}).{redirect}",
            status=status,
            retryable=True,
        ).with_steps("Check the proxies between the workers and the result's store, then clear this task.")
    return EkycRequestError(f"The result's store refused the download ({status}, {code}).", status=status)


def classify_transport(call: Call, kind: str, *, sent: bool, ids: FoundIds = NO_IDS) -> EkycConnectionError:
    """
    Say what a connection failure means.

    :param kind: name of the library's exception; its text may hold a URL with its query, so it is not used
    :param sent: whether a byte of the body may have left
    :param ids: of a submission: what the part of the answer that arrived says of the task
    """
    if call is Call.SUBMIT and sent:
        outcome, tail = Outcome.UNKNOWN, " after the upload had begun"
    else:
        outcome, tail = Outcome.NOT_SENT, ""
    return EkycConnectionError(
        f"The {call} got no answer{tail} ({kind}).{ids.shown}",
        retryable=True,
        outcome=outcome,
        possible_ids=ids.possible,
    )


def server_message(body: bytes, redacted: Callable[[str], str]) -> str:
    """Return what the server says, redacted: JSON's ``error``/``message``/``msg``, or text."""
    text = body.decode("utf-8", "replace").strip()
    answer = read_json(body)
    if isinstance(answer, dict):
        words = [str(answer[name]) for name in REASONS if answer.get(name)]
        text = ": ".join(dict.fromkeys(words))
    elif text.startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)</title>", text[:4096], re.IGNORECASE)
        page = Author.XML.value if text.startswith("<?xml") else Author.PAGE.value
        text = f"{page}, {title[1].strip()}" if title else page
    return redacted(text)
