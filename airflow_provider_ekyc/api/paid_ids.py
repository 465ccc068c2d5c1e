"""
Find the id of the task that a submission made, wherever an answer holds it. Pure.

The vendor has no list call: an id that was received and not kept is lost, and so is what was paid for it. What is
surely the id is the receipt, and what may be one is kept for a person to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_provider_ekyc.api.answers import REASONS, HttpAnswer, read_json
from airflow_provider_ekyc.api.json_body import JsonBody, Member, is_task_id, members, read_body
from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.api.task_ids import LONGEST_ID, read_task_id

# What the API says of a task that it made (docs/api.md): under an error's code it is no reason for the error.
_CREATED = "task created successfully"

_GOES_ON = frozenset({TaskStatus.PENDING, TaskStatus.PROCESSING, TaskStatus.COMPLETED, TaskStatus.EXPORTED})

# A name such as task_id in text that is no JSON, or no longer: a form, XML, a quoted or a broken object.
_NAMED = re.compile(
    r"(?<!\w)task[_-]?id\\*[\"']?(?:\s*[:=]\s*|>)"
    r"(?:\\*\"([^\"\\<]*)\\*\"|'([^'\\<]*)'|\\*[\"']?([^\s,;&<>\"'{}\[\]\\]+))",
    re.IGNORECASE,
)

# A body that is nothing but one word with a digit in it.
_ONE_WORD = re.compile(r"(?=.*\d)[A-Za-z0-9_-]{6,200}")

# Codes in a body that say "done" in APIs that have such codes: 0, 1, 200 and other 2xx. Anything else is an error.
_ERROR_CODE = re.compile(r"-\d+|(?!2\d\d\Z)\d{3,}")

# More than an answer can mean.
_MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class FoundIds:
    """
    What an answer to a submission says of the task that it made.

    :param created: fields of the answer with the id as ``task_id``, if it is surely the id; else None
    :param possible: what may be the id, as the answer wrote it
    :param cut_off: the beginning of an id whose end did not arrive, or an empty text
    """

    created: Mapping[str, Any] | None = None
    possible: tuple[str, ...] = ()
    cut_off: str = ""

    @property
    def shown(self) -> str:
        """Return a sentence with the ids, whole, for the end of a message; an empty text if there is none."""
        shown = ""
        if self.possible:
            which = "one of these may be" if len(self.possible) > 1 else "this may be"
            shown = f" The answer contains an id; {which} the task that was paid for: {', '.join(self.possible)}."
        if self.cut_off:
            shown += f" The answer breaks off in an id that begins with {self.cut_off}."
        return shown

    def without(self, hidden: Callable[[str], bool]) -> FoundIds:
        """Return the same without the ids that must not be shown."""
        possible = tuple(one for one in self.possible if not hidden(one))
        cut_off = "" if self.cut_off and hidden(self.cut_off) else self.cut_off
        return FoundIds(self.created if possible == self.possible else None, possible, cut_off)


#: Of an answer that says nothing of a task.
NO_IDS = FoundIds()


def find_ids(answer: HttpAnswer) -> FoundIds:
    """
    Find ids in body and headers.

    Surely the id: the one and only task id of a JSON object, there or in a wrapper such as ``data``, or of
    ``Location``, of a 2xx that names no error. Under another code only the documented answer counts: a task that
    goes on, without a reason for an error. A body may go on after the object, or break off after the id.
    """
    body = read_body(answer.body)
    found = list(members(body.value))
    named = [member for member in found if member.is_task_id]
    in_text, cut_off = _in_text(answer, body, found)
    in_location = _in_location(answer)
    ids = [*(_shown(member.value) for member in named), *in_text, *in_location, *_in_headers(answer)]
    if not any(ids):
        # Less specific names, so only where there is no other.
        ids = [_shown(member.value) for member in found if member.main and member.name.lower() in ("id", "_id")]
        if not any(ids) and 200 <= answer.status < 300:
            ids = list(_one_word(body))
    possible = tuple(dict.fromkeys(filter(None, ids)))[:_MOST_IDS]
    created = _created(answer, body, named, in_location) if len(possible) == 1 else None
    return FoundIds(created, possible, cut_off)


def _created(answer: HttpAnswer, body: JsonBody, named: list[Member], in_location: list[str]) -> dict[str, Any] | None:
    """Return the fields of the task if the only id that was found is surely its id."""
    accepted = 200 <= answer.status < 300
    top: Mapping[str, Any] = body.value if isinstance(body.value, dict) else {}
    for member in named:
        sure = member.main and read_task_id(member.value) is not None
        sure = sure and not _names_an_error(top) and not _names_an_error(member.holder)
        if sure and (accepted or (read_json(answer.body) is not None and _is_documented(top, member.holder))):
            return {**member.holder, "task_id": member.value}
    path, _ = _address(answer, "location")
    made_there = len(path) > 1 and path[-2].lower() == "tasks" and in_location == [path[-1]]
    if accepted and made_there and not named and not _names_an_error(top):
        return {**top, "task_id": in_location[0]}
    return None


def _names_an_error(fields: Mapping[str, Any]) -> bool:
    """Whether an answer says of itself that it failed; ``success`` may also be a count of numbers."""
    code, word = fields.get("code"), fields.get("status")
    return (
        bool(fields.get("error") or fields.get("errors"))
        or (isinstance(code, int | str) and _ERROR_CODE.fullmatch(str(code).strip()) is not None)
        or (isinstance(word, str) and word.strip().lower() in ("error", "fail", "failure"))
        or any(fields.get(name) is False for name in ("success", "ok"))
    )


def _is_documented(top: Mapping[str, Any], holder: Mapping[str, Any]) -> bool:
    """Whether an answer is the documented one, although its code is another."""
    reasons = {str(part.get(name) or "").strip(" .").lower() for part in (top, holder) for name in REASONS}
    word = holder.get("status")
    return isinstance(word, str) and TaskStatus.read(word) in _GOES_ON and reasons <= {"", _CREATED}


def _shown(value: object) -> str:
    """Return an id; or what is in its place and can't be one by its shape, since it is all that there is to go by."""
    if (ekyc_task_id := read_task_id(value)) is not None:
        return ekyc_task_id
    if isinstance(value, float):
        value = repr(value)
    if not isinstance(value, str) or value.strip().lower() in ("", "none", "null", "nil", "undefined", "0", "0.0"):
        return ""
    return "".join(character if character.isprintable() else " " for character in value).strip()[:LONGEST_ID]


def _in_text(answer: HttpAnswer, body: JsonBody, found: list[Member]) -> tuple[list[str], str]:
    """Return the ids that text names, in the body and in texts inside of its JSON, and one that breaks off."""
    inside = [member.value for member in found if isinstance(member.value, str) and "task" in member.value.lower()]
    ids = [_shown(_word(match)) for text in inside for match in _NAMED.finditer(text)]
    rest = body.rest.rstrip()
    breaks_off = bool(answer.broken_off) or (not body.is_whole and rest.startswith(("{", "[")))
    for match in _NAMED.finditer(rest):
        if breaks_off and match[3] is not None and match.end() == len(rest):
            return ids, match[3][:LONGEST_ID]
        ids.append(_shown(_word(match)))
    return ids, ""


def _word(match: re.Match[str]) -> str:
    return next(word for word in match.groups() if word is not None)


def _in_location(answer: HttpAnswer) -> list[str]:
    """Return what ``Location`` and ``Content-Location`` name below ``tasks/``, or as ``task_id`` in their query."""
    found: list[str] = []
    for header in ("location", "content-location"):
        path, query = _address(answer, header)
        for place, segment in enumerate(path):
            if segment.lower() in ("tasks", "task", "gettasks"):
                found += path[place + 1 :]
        found += [value for name, value in parse_qsl(query) if is_task_id(name)]
    return [one for one in dict.fromkeys(map(read_task_id, found)) if one]


def _address(answer: HttpAnswer, header: str) -> tuple[list[str], str]:
    """Return the segments of the path and the query of the URL in a header."""
    try:
        parts = urlsplit(answer.header(header).strip())
    except ValueError:
        return [], ""
    return [unquote(segment) for segment in parts.path.split("/") if segment], parts.query


def _in_headers(answer: HttpAnswer) -> list[str]:
    """Return what a header such as ``X-Task-Id`` holds."""
    return [_shown(value) for name, value in answer.headers.items() if name.lower().endswith("task-id")]


def _one_word(body: JsonBody) -> Iterator[str]:
    """Yield the word of which the whole body consists."""
    value = body.value[0] if isinstance(body.value, list) and len(body.value) == 1 else body.value
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else body.rest
    if _ONE_WORD.fullmatch(text.strip()):
        yield text.strip()
