"""
What may become of a case: the one table that outcomes are measured by.

From first principles (``docs/design.md``, ``docs/api.md``), not from what the code does: a refusal is free and
final; 429, 500 and what was never sent may be sent again; anything else after the first byte of a submission is
unknown; a query or a download may always be repeated; what is no whole, checked result never lands.
"""

from __future__ import annotations

from collections.abc import Mapping

from dev.faults.case import Allowed, Case, End, Operator
from dev.faults.fault_cases import S3_FAULT_CASES

S, C, U, R = End.SUCCESS, End.CLEAR, End.UNKNOWN, End.RETRYABLE


def _may(*ends: End, charged: tuple[int, ...]) -> Allowed:
    return Allowed(frozenset(ends), frozenset(charged))


PAID = _may(S, charged=(1,))
REFUSED = _may(C, charged=(0,))
#: Five sends over the tries of a task: then it fails for good.
GIVEN_UP = _may(C, charged=(0,))
#: The retries are used up, and nothing was sent.
NOT_SENT = _may(R, charged=(0,))
UNKNOWN_FREE = _may(U, charged=(0,))
UNKNOWN_PAID = _may(U, charged=(1,))
UNKNOWN_EITHER = _may(U, charged=(0, 1))
#: What a client sees of ``early_status`` depends on its luck: the answer, or a broken pipe.
EARLY_REFUSAL = _may(C, U, charged=(0,))

#: Codes for which the vendor's own page says that nothing is charged.
_FREE_REFUSALS = ("status 400", "status 401", "status 402", "status 413", "echo", "echo of the key")

#: Nothing was accepted, and nobody can know: codes that no page calls free, pages of a proxy, cut lines.
_OPEN_AND_FREE = (
    *("status 307", "status 308", "status 404", "status 408", "status 409", "status 425", "status 499"),
    *("status 502", "status 503", "status 504", "broken_json", "cut_before", "cut_before in the upload"),
    *("html", "html 302", "html 401", "html 403", "html 404", "html 405", "html 413", "html 429", "html 500"),
    "early_status 503",
)

#: It was accepted, and the answer does not say so.
_OPEN_AND_CHARGED = (
    *("status_after 303", "status_after 307", "status_after 408", "status_after 409"),
    *("status_after 499", "status_after 503", "status_after 504", "cut_after", "informational 101"),
    *("html_after 401", "html_after 429", "html_after 500", "html_after 502", "without_task_id"),
)

#: It was accepted, and the answer says so, though not as the API page has it.
_RECEIPTS = (
    *("delay", "slow_body", "informational 102", "informational 103", "without_counts", "wrapped", "camel_case_id"),
    *("numeric_id", "id_in_location", "trailing_bytes", "without_last_chunk", "without_last_byte"),
    *("other_status 400", "other_status 409", "other_status 500", "other_status 502"),
)

#: Fault -> (once, always): on the submission, in ``EkycSubmitOperator``.
ON_SUBMIT: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(_FREE_REFUSALS, (REFUSED, REFUSED)),
    **dict.fromkeys(("status 429", "status 500"), (PAID, GIVEN_UP)),
    **dict.fromkeys(_OPEN_AND_FREE, (UNKNOWN_FREE, UNKNOWN_FREE)),
    **dict.fromkeys(_OPEN_AND_CHARGED, (UNKNOWN_PAID, UNKNOWN_PAID)),
    **dict.fromkeys(_RECEIPTS, (PAID, PAID)),
    "delay past the time-out": (UNKNOWN_EITHER, UNKNOWN_EITHER),
    # The id is in the first quarter of the answer: it has arrived by then, or it has not.
    "slow_body past the time-out": (_may(S, U, charged=(1,)), _may(S, U, charged=(1,))),
    "early_status 413": (EARLY_REFUSAL, EARLY_REFUSAL),
}

_HARMLESS = (
    *("status 400", "status 404", "status 413", "status 429", "status 500", "status 502", "status 503", "status 504"),
    *("broken_json", "delay", "delay past the time-out", "slow_body", "slow_body past the time-out"),
    *("cut_before", "cut_after", "status_after 503", "status_after 504", "early_status 413", "early_status 503"),
    *("html_after 502", "informational 102", "informational 103", "echo of the key"),
)

#: Another server answers in the place of the API: it would answer the submission, too.
_OTHER_SERVER = ("html", "html 302", "html 401", "html 403")

#: On the free balance query before it: a wrong key and an empty account stop a submission, and so does another server.
ON_BALANCE: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(_HARMLESS, (PAID, PAID)),
    **dict.fromkeys(("status 401", "status 402"), (REFUSED, REFUSED)),
    **dict.fromkeys(_OTHER_SERVER, (PAID, NOT_SENT)),
}

# The waits and the landings below work on a remote task that is paid already: the bill says 1, whatever comes.
DONE = _may(S, charged=(1,))
STOPPED = _may(C, charged=(1,))
TRIED_OUT = _may(R, charged=(1,))

_PASSING = (
    *("status 429", "status 500", "status 502", "status 503", "status 504"),
    *("broken_json", "html", "delay past the time-out", "slow_body past the time-out"),
    *("cut_before", "cut_after", "status_after 503", "status_after 504", "early_status 503", "without_task_id"),
    *("html 302", "html 401", "html 403", "html 404", "html 405", "html_after 401", "html_after 502"),
    *("status 307", "status 408", "status 425", "status 499", "status_after 307", "other_status 500"),
)
_FINAL = ("status 400", "status 401", "status 402", "status 404", "status 413", "echo of the key")
#: The task's status, though not as the API page has it.
_STATUSES = (
    *("delay", "slow_body", "informational 102", "informational 103", "without_counts", "wrapped", "camel_case_id"),
    *("trailing_bytes",),
)
#: A status whose last bytes did not come: it may be read, or asked for again.
_CUT_STATUSES = ("without_last_chunk", "without_last_byte")

#: On the status query, in ``EkycTaskSensor``: what may pass never ends the wait, the deadline does, for good.
ON_STATUS_WAITING: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(_PASSING, (DONE, STOPPED)),
    **dict.fromkeys(_FINAL, (STOPPED, STOPPED)),
    "status 404": (DONE, STOPPED),  # a new id may take a while to become known
    **dict.fromkeys(_STATUSES, (DONE, DONE)),
    **dict.fromkeys(_CUT_STATUSES, (DONE, _may(S, C, charged=(1,)))),
    "early_status 413": (_may(S, C, charged=(1,)), STOPPED),
}

#: On the status query, in ``EkycResultsToS3Operator``.
ON_STATUS_LANDING: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(_PASSING, (DONE, TRIED_OUT)),
    **dict.fromkeys(_FINAL, (STOPPED, STOPPED)),
    **dict.fromkeys(_STATUSES, (DONE, DONE)),
    **dict.fromkeys(_CUT_STATUSES, (DONE, _may(S, R, charged=(1,)))),
    "early_status 413": (_may(S, C, charged=(1,)), _may(C, R, charged=(1,))),
}

#: On the download: what is not the store's own answer is asked for again.
ON_RESULT: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(
        (
            *("status 400", "status 401", "status 402", "status 404", "status 413", "status 429", "status 500"),
            *("status 502", "status 503", "status 504", "status_after 503", "status_after 504", "early_status 503"),
            *("html 401", "html 403", "html 404", "html_after 502", "redirect"),
            *("cut_before", "cut_after", "cut_body", "short_range", "delay past the time-out"),
        ),
        (DONE, TRIED_OUT),
    ),
    "refused by the store": (DONE, STOPPED),  # it may have refused the range alone
    "early_status 413": (_may(S, C, charged=(1,)), _may(C, R, charged=(1,))),
    **dict.fromkeys(("broken_json", "html", "short_zip", "wrong_crc", "xlsx"), (STOPPED, STOPPED)),
    **dict.fromkeys(("extra_rows", "missing_rows"), (STOPPED, STOPPED)),
    "expired": (DONE, STOPPED),
    **dict.fromkeys(("delay", "slow_body", "wrong_etag", "informational 102", "informational 103"), (DONE, DONE)),
    # A store that does not answer with the range is read by one stream.
    **dict.fromkeys(("whole_body", "other_range", "long_range", "stall"), (DONE, DONE)),
}

#: (operator, call) -> its faults.
FAULTS: Mapping[tuple[Operator, str], Mapping[str, tuple[Allowed, Allowed]]] = {
    ("submit", "submit"): ON_SUBMIT,
    ("submit", "balance"): ON_BALANCE,
    ("wait", "status"): ON_STATUS_WAITING,
    ("land", "status"): ON_STATUS_LANDING,
    ("land", "result"): ON_RESULT,
}

#: SIGKILL of the submitting process, then retries that nothing disturbs.
KILLED_SUBMITTING: Mapping[str, Allowed] = {
    "before the intent": PAID,
    "after the intent": PAID,
    "after it is noted that it is sent now": UNKNOWN_FREE,
    "before the first byte": UNKNOWN_FREE,
    "in the body": UNKNOWN_FREE,
    "after the last byte": UNKNOWN_EITHER,
    "before the answer is read": UNKNOWN_PAID,
    "before the receipt": UNKNOWN_PAID,
    "after the receipt": PAID,
    "before the XCom": PAID,
    "after the XCom": PAID,
    "before the return value": PAID,
    "before a refusal is noted": UNKNOWN_FREE,
    "after a refusal is noted": PAID,
}

#: At any instant: whatever it was, it is paid once and known, or said to be unknown.
KILLED_SUBMITTING_AT_RANDOM = Allowed(frozenset({S, U}), frozenset({0, 1}))

#: Change -> after a success, and after an answer that was lost: what the clear does, and what is on the bill then.
CHANGED: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(("cleared", "cleared without its task state"), (PAID, UNKNOWN_PAID)),
    "cleared with its list in another order": (PAID, UNKNOWN_PAID),
    # Another list after a submission that is known is another submission.
    "cleared with one number more in its list": (_may(S, charged=(2,)), UNKNOWN_PAID),
    # Of the first list the answer was lost: whatever comes to its place is not sent while that is open.
    "cleared with a list before the others it is mapped over": (_may(S, charged=(4,)), _may(U, charged=(3,))),
    "cleared after its record was deleted": (UNKNOWN_PAID, UNKNOWN_PAID),
    "cleared with a journal_uri added": (PAID, UNKNOWN_PAID),
    # The task instance's own record says that there is another, which is not to be found.
    "cleared with its journal_uri taken away": (UNKNOWN_PAID, UNKNOWN_PAID),
    # Nothing is left that knows of it: it is submitted again, with a warning.
    "cleared after all its records were deleted": (_may(S, charged=(2,)), _may(S, charged=(2,))),
}

#: Two tries at once, and one after them: one submission; none, and why, where the store can't tell who was first.
AT_ONCE = _may(S, charged=(1,))
AT_ONCE_UNCONDITIONALLY = _may(C, charged=(0,))

#: On a call of an upload in parts. A completion whose answer is lost has been made, and the key shows it.
ON_PARTS: Mapping[str, tuple[Allowed, Allowed]] = {
    **dict.fromkeys(S3_FAULT_CASES, (DONE, TRIED_OUT)),
    "part status 403": (STOPPED, STOPPED),
    "complete cut_after": (DONE, DONE),
}

#: Ended while it waits between two sends: it sends no more.
ENDED_BETWEEN_SENDS = _may(C, R, charged=(0,))

#: The API server, and with it the state store, is gone when the answer comes: the id is kept, or said to be unknown.
KILLED_API_SERVER = Allowed(frozenset({S, U}), frozenset({1}))

#: The intents alone with which no byte had been sent: where "unknown" is all that can be known, and nothing was.
UNSENT_BUT_UNKNOWN = frozenset({"after it is noted that it is sent now", "before the first byte"})


def expected(case: Case) -> Allowed:
    """Return what may become of a case."""
    if case.change:
        return CHANGED[case.change][bool(case.fault)]
    if case.at_once:
        return AT_ONCE_UNCONDITIONALLY if case.memory == "unconditional" else AT_ONCE
    if case.terminated:
        return ENDED_BETWEEN_SENDS
    if case.resubmit:
        # Asked for: a submission whose outcome is unknown is sent again, and may be charged twice.
        return Allowed(frozenset({S}), frozenset({1, 2}))
    if case.operator == "submit" and case.component:
        return KILLED_API_SERVER
    if case.call == "s3":
        return ON_PARTS[case.fault][case.always]
    if case.fault and case.instant is not None:
        return _with_a_kill(case)
    if case.operator == "submit" and case.point:
        return KILLED_SUBMITTING[case.point]
    if case.operator == "submit" and case.instant is not None:
        return KILLED_SUBMITTING_AT_RANDOM
    if case.fault and not case.point:
        return FAULTS[case.operator, case.call][case.fault][case.always]
    return DONE


def _with_a_kill(case: Case) -> Allowed:
    """
    Join what a fault allows with what a kill at any instant does: the kill may come before, in or after it.

    Which of them it was shows in the bill, which :mod:`dev.faults.verdict` compares with what the task said.
    """
    once, always = FAULTS[case.operator, case.call][case.fault]
    killed = KILLED_SUBMITTING_AT_RANDOM if case.operator == "submit" else DONE
    joined = (once, always, killed)
    return Allowed(
        frozenset(end for allowed in joined for end in allowed.ends),
        frozenset(charges for allowed in joined for charges in allowed.charges),
    )


def may_be_unknown_unsent(case: Case) -> bool:
    """Return whether "unknown" is right although nothing was sent: killed between the intent and the first byte."""
    return case.point in UNSENT_BUT_UNKNOWN or case.instant is not None
