"""Faults that can be switched on, and the board that says which one a call meets."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Literal, get_args

Call = Literal["submit", "status", "balance", "result"]
CALLS: tuple[Call, ...] = get_args(Call)

ANY_CALL_KINDS = frozenset(
    {
        "status",
        "broken_json",
        "html",
        "delay",
        "slow_body",
        "cut_before",
        "cut_after",
        "status_after",
        "early_status",
        "informational",
        "html_after",
    }
)
"""Kinds that every call knows."""

KEY_KINDS = frozenset({"echo"})
"""Kinds that only calls which carry the key know."""

TASK_KINDS = frozenset(
    {
        "without_task_id",
        "without_counts",
        "other_status",
        "wrapped",
        "camel_case_id",
        "trailing_bytes",
        "without_last_chunk",
        "without_last_byte",
    }
)
"""Kinds that only calls which answer with a task know."""

SUBMIT_KINDS = frozenset({"numeric_id", "id_in_location"})
"""Kinds that only the submission knows."""

RESULT_KINDS = frozenset(
    {
        "short_zip",
        "cut_body",
        "wrong_crc",
        "xlsx",
        "extra_rows",
        "missing_rows",
        "expired",
        "redirect",
        "wrong_etag",
        "whole_body",
        "other_range",
        "short_range",
        "long_range",
        "stall",
    }
)
"""Kinds that only the result download knows."""

# Faults also arrive as JSON, where a wrong type would show only when the fault is used.
_TYPES: dict[str, tuple[type, ...]] = {
    "call": (str,),
    "kind": (str,),
    "times": (int, NoneType),
    "skip": (int,),
    "status": (int, NoneType),
    "headers": (Mapping,),
    "body": (str, NoneType),
    "seconds": (int, float),
    "at_byte": (int, NoneType),
    "rows": (int,),
    "location": (str, NoneType),
    "form": (str,),
}

_DEFAULT_STATUS = {
    "status": 500,
    "status_after": 503,
    "early_status": 413,
    "html": 200,
    "html_after": 502,
    "informational": 102,
    "other_status": 500,
    "echo": 400,
}

FORMS = frozenset({"number", "digits", "nbsp", "hyphen", "slashes", "percent", "email", "key", "key_part", "key_upper"})
"""What ``echo`` can quote, and how it is spelled."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which a call goes wrong; ``docs/sandbox.md`` lists the kinds.

    :param call: the call that it hits.
    :param kind: what goes wrong.
    :param times: how many calls it hits; ``None`` for all until it is cleared.
    :param skip: how many calls pass before the first one is hit.
    :param status: HTTP status of ``status`` (500), ``status_after`` (503), ``early_status`` (413), ``html`` (200),
        ``html_after`` (502), ``other_status`` (500) and ``echo`` (400); of ``informational`` (102) that of the
        interim answer.
    :param headers: extra headers of those answers, such as ``Retry-After``.
    :param body: body of the first three, by default a JSON object with ``error``; for ``trailing_bytes`` what
        follows the JSON.
    :param seconds: how long ``delay`` waits before, and how long ``slow_body`` takes over, the answer; how long
        ``stall`` waits in the middle of it.
    :param at_byte: where the line is cut: bytes of the request body for ``cut_before`` (``None``: all of it)
        and ``early_status`` (0); bytes of the answer for ``cut_body``, ``short_range``, ``stall`` and ``short_zip``
        (half).
    :param rows: how many rows ``extra_rows`` adds and ``missing_rows`` drops.
    :param location: where ``redirect`` points, by default the same path under another name of the loopback;
        ``Location`` of ``status``, ``status_after``, ``early_status``, ``html`` and ``html_after``, by default none.
    :param form: what ``echo`` quotes, one of ``FORMS``.
    :raises ValueError: for a kind that the call does not know, and for values that cannot be meant.
    :raises TypeError: for values of another type.
    """

    call: Call
    kind: str
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    seconds: float = 1.0
    at_byte: int | None = None
    rows: int = 1
    location: str | None = None
    form: str = "number"

    def __post_init__(self) -> None:
        for name, kinds in _TYPES.items():
            value = getattr(self, name)
            # A bool is an int to Python, and never meant as one here.
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise TypeError(f"{name} must not be a {type(value).__name__}")
        if not all(isinstance(text, str) for pair in self.headers.items() for text in pair):
            raise TypeError("headers are texts")
        # Any mapping is taken; a dict can be copied and has a JSON form.
        object.__setattr__(self, "headers", dict(self.headers))
        if self.call not in CALLS:
            raise ValueError(f"no such call: {self.call!r}; there are {', '.join(CALLS)}")
        known = kinds_of(self.call)
        if self.kind not in known:
            raise ValueError(f"{self.call} knows no fault {self.kind!r}; it knows {', '.join(sorted(known))}")
        if self.status is None:
            object.__setattr__(self, "status", _DEFAULT_STATUS.get(self.kind))
        elif self.kind == "informational" and not 100 <= self.status <= 103:
            raise ValueError("status of an informational answer is 100 to 103")
        elif self.kind != "informational" and not 200 <= self.status <= 599:
            raise ValueError("status must be between 200 and 599")
        if self.form not in FORMS:
            raise ValueError(f"form is one of {', '.join(sorted(FORMS))}")
        if self.times is not None and self.times < 1:
            raise ValueError("times is at least 1, or None for until cleared")
        if min(self.skip, self.seconds, self.at_byte or 0) < 0 or self.rows < 1:
            raise ValueError("skip, seconds and at_byte must not be negative, rows at least 1")


def kinds_of(call: Call) -> frozenset[str]:
    """The kinds of fault that a call knows.

    :param call: one of ``CALLS``.
    """
    own = {
        "submit": KEY_KINDS | TASK_KINDS | SUBMIT_KINDS,
        "status": KEY_KINDS | TASK_KINDS,
        "balance": KEY_KINDS,
        "result": RESULT_KINDS,
    }
    return ANY_CALL_KINDS | own[call]


@dataclass(frozen=True)
class FaultOfCall:
    """What one call meets.

    :param delay_seconds: how long to wait first: the sum of all ``delay`` faults that are due.
    :param fault: what goes wrong then, if anything.
    """

    delay_seconds: float = 0.0
    fault: Fault | None = None


class FaultBoard:
    """Faults that are switched on, in the order in which they were. May be used from any thread.

    A call meets every ``delay`` that is due and the first other fault that is due; the next one waits for the
    next call. Every call that reaches a fault with calls left to skip uses one of them up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on.

        :param fault: comes after those that are on already.
        """
        with self._lock:
            self._left.append((fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._left.clear()

    @property
    def active(self) -> tuple[tuple[Fault, int | None], ...]:
        """The faults that are on, each with the number of calls that it will still hit."""
        with self._lock:
            return tuple((fault, times) for fault, _, times in self._left)

    def take(self, call: Call) -> FaultOfCall:
        """What this call meets; uses it up.

        :param call: the call that has arrived.
        """
        delay, chosen = 0.0, None
        left: list[tuple[Fault, int, int | None]] = []
        with self._lock:
            for fault, skip, times in self._left:
                waits = chosen is not None and fault.kind != "delay"
                if fault.call != call or (skip == 0 and waits):
                    left.append((fault, skip, times))
                elif skip:
                    left.append((fault, skip - 1, times))
                else:
                    if fault.kind == "delay":
                        delay += fault.seconds
                    else:
                        chosen = fault
                    if times is None or times > 1:
                        left.append((fault, 0, None if times is None else times - 1))
            self._left = left
        return FaultOfCall(delay, chosen)
