"""Read the JSON of a body also where it is wrapped, goes on after its end or breaks off before it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Members that hold the answer itself, in APIs that wrap it.
_WRAPPERS = frozenset({"data", "result", "results", "response", "payload", "body", "content", "task"})

_MOST_NODES = 10_000
_DEEPEST = 20
_LONGEST_BROKEN = 65_536


@dataclass(frozen=True, slots=True)
class JsonBody:
    """
    What a body holds.

    :param value: the JSON value at its beginning, or None; of an object that breaks off, the members that are whole
    :param rest: the text that is not part of a whole value
    :param is_whole: whether the value is complete
    """

    value: Any
    rest: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Member:
    """
    A member of a JSON object.

    :param holder: the object
    :param main: whether the object is the answer itself, as it is or in a wrapper, and not a part of it
    """

    name: str
    value: Any
    holder: Mapping[str, Any]
    main: bool

    @property
    def is_task_id(self) -> bool:
        """Whether it is named as the id of a task: ``task_id``, ``taskId``, ``taskID``, ``task-id``."""
        return is_task_id(self.name)


def is_task_id(name: str) -> bool:
    """Whether this is a name for the id of a task, however it is written."""
    return re.sub(r"[_-]", "", name).lower() == "taskid"


def read_body(body: bytes) -> JsonBody:
    """Read the JSON at the beginning of a body."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    try:
        return JsonBody(json.loads(body, object_pairs_hook=_all_pairs), "", True)
    except (ValueError, RecursionError):
        pass
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_all_pairs).raw_decode(text)
        return JsonBody(value, text[end:], True)
    except (ValueError, RecursionError):
        return JsonBody(_broken_object(text[:_LONGEST_BROKEN]), text, False)


def task_fields(body: bytes) -> dict[str, Any] | None:
    """
    Return the fields of an answer about a task, with its id as ``task_id``; None if it is no whole JSON object.

    The answer may be wrapped, name the id in another way, and have bytes after it.
    """
    return _fields_with(body, is_task_id, "task_id")


def balance_fields(body: bytes) -> dict[str, Any] | None:
    """Return the fields of an answer about the balance, which may be wrapped too; None if it is no JSON object."""
    return _fields_with(body, lambda name: name == "balance", "balance")


def _fields_with(body: bytes, wanted: Callable[[str], bool], name: str) -> dict[str, Any] | None:
    read = read_body(body)
    for member in members(read.value) if read.is_whole else ():
        if member.main and wanted(member.name):
            return {**member.holder, name: member.value}
    return read.value if read.is_whole and isinstance(read.value, dict) else None


def members(value: Any) -> Iterator[Member]:
    """Yield the members of all objects in a JSON value, those of outer ones first; a bounded number."""
    left = _MOST_NODES
    places: list[tuple[Any, bool, int]] = [(value, True, 0)]
    for place, main, depth in places:  # it grows on the way
        if left <= 0 or depth > _DEEPEST:
            return
        if isinstance(place, list):
            places += [(one, main and len(place) == 1, depth + 1) for one in place[:left]]
        elif isinstance(place, dict):
            for name, inner in place.items():
                if isinstance(inner, dict | list):
                    places.append((inner, main and name.lower() in _WRAPPERS, depth + 1))
                yield Member(name, inner, place, main)
        else:
            continue
        left -= len(place)


def _all_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keep what Python drops of a name that occurs twice: as a part of the object, under an empty name."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        fields[""] = [{name: value} for name, value in pairs if fields[name] is not value]
    return fields


def _broken_object(text: str) -> Any:
    """Return an object that breaks off, without the member in which it does; None if there is no whole one."""
    if not text.startswith("{"):
        return None
    to_close: list[str] = []
    in_string = escaped = False
    before_comma: tuple[str, str] | None = None
    for index, character in enumerate(text):
        if in_string:
            in_string = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            in_string = True
        elif character in "{[":
            to_close.append("}" if character == "{" else "]")
            if len(to_close) > _DEEPEST:
                return None
        elif character in "}]":
            if not to_close or to_close.pop() != character:
                return None
        elif character == ",":
            before_comma = (text[:index], "".join(reversed(to_close)))
    attempts = [before_comma] if before_comma else []
    # A number at the end may have lost digits; a text in quotes is whole.
    if not in_string and text.rstrip().endswith(('"', "}", "]")):
        attempts.insert(0, (text.rstrip(), "".join(reversed(to_close))))
    for kept, closing in attempts:
        try:
            return json.loads(kept + closing, object_pairs_hook=_all_pairs)
        except ValueError:
            continue
    return None
