"""
What may be the id of a remote task: one rule for answers, arguments and records. Pure.

An id that a submission returns is one that the sensor and the transfer accept, since both sides ask here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from itertools import islice

from airflow_provider_ekyc.exceptions import EkycSettingsError

#: Characters of an id at the most. The vendor's have 20; the metadata of an object in S3 holds 2 KB in all.
LONGEST_ID = 512

# No blanks and nothing beyond ASCII, which metadata in S3 can't hold; not a list or another value written as text.
_SHAPE = re.compile(rf"(?![\[({{<])[\x21-\x7e]{{1,{LONGEST_ID}}}")

# What languages and templates write where there is none.
_NO_ID = frozenset({"0", "none", "null", "nil", "undefined", "nan", "true", "false"})

# A list in a list is still one id; deeper nesting is a mistake.
_DEEPEST = 3


def read_task_id(value: object) -> str | None:
    """
    Return an id as text, trimmed, or None if the value can't be one.

    :param value: text or a whole number, as JSON holds it
    """
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            value = str(int(value))
        except ValueError:  # more digits than Python writes
            return None
    if not isinstance(value, str):
        return None
    text = str(value).strip()
    return text if _SHAPE.fullmatch(text) and text.lower() not in _NO_ID else None


def checked_task_id(ekyc_task_id: object) -> str:
    """
    Return the remote task id that an argument means, as text.

    A template that is rendered natively turns an id of digits into a number and an XCom of a mapped task into a
    sequence that is read when it is looked at. Each is accepted where it means one id.

    :param ekyc_task_id: text, a whole number, or a list (or another iterable, also a lazy one) of just one of these
    :raises EkycSettingsError: if it is none of these, empty (or ``"None"``, as which a template that found nothing
        renders), several ids, or holds blanks, control characters or characters beyond ASCII
    """
    value = ekyc_task_id
    for _ in range(_DEEPEST):
        if (text := read_task_id(value)) is not None:
            return text
        if isinstance(value, str) and value.strip().startswith("["):
            value = _read_list(value)  # a list of one id in a template that is not rendered natively
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            break
        found = list(islice(value, 2))
        if len(found) > 1:
            raise EkycSettingsError(
                "ekyc_task_id contains several ids, but one is needed: map the task, as in "
                ".expand(ekyc_task_id=submit.output), or pick one. No request was sent."
            )
        value = found[0] if found else None
    raise EkycSettingsError(
        "ekyc_task_id must be the remote task's id, as EkycSubmitOperator returns it; it is "
        f"{_problem(value)}. No request was sent."
    )


def _read_list(text: str) -> object:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _problem(value: object) -> str:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "none", "null")):
        return "empty"
    if isinstance(value, str):
        return "not such an id"
    return f"of type {type(value).__name__}"
