"""Answers of the API and of the store: what they send, and what bugs, proxies and strangers make of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from dev.fuzz import oddities
from dev.fuzz.inputs import AnswerInput
from dev.fuzz.marks import QUERY
from dev.fuzz.oddities import TASK_ID
from dev.fuzz.wire import broken_wire, whole_wire

SUBMIT, STATUS, BALANCE, RESULT = "submission", "status query", "balance query", "result download"


def created(rng: random.Random) -> dict[str, Any]:
    """Return what the API says of a new task."""
    return {
        "task_id": rng.choice((TASK_ID, 4711)),
        "status": "pending",
        "total": rng.choice(oddities.NUMBERS),
        "message": "Task created successfully",
        "created_at": rng.choice(oddities.TIMES),
    }


def state(rng: random.Random) -> dict[str, Any]:
    """Return what the API says of a task."""
    word = rng.choice(oddities.WORDS)
    fields = {
        "created_at": rng.choice(oddities.TIMES),
        "updated_at": rng.choice(oddities.TIMES),
        "task_id": TASK_ID,
        "user_id": "wfi7wGPS4B4PdtTMox5Y",
        "status": word,
        "total": rng.choice(oddities.NUMBERS),
        "success": rng.choice(oddities.NUMBERS),
        "failure": rng.choice(oddities.NUMBERS),
    }
    if word.strip().lower() == "exported":
        fields["result_url"] = f"https://wapic.s3.ap-southeast-1.amazonaws.com/externalcheck/t/t.zip?{QUERY}"
    return fields


def balance(rng: random.Random) -> dict[str, Any]:
    """Return what the API says of the account."""
    fields: dict[str, Any] = {"balance": rng.choice((0, 12.5, "77.25", 10**9, -3))}
    if rng.random() < 0.5:
        fields |= {"credit": 5, "used_today": 10, "daily_limit": 1000, "reset_time": "00:00", "status": "ok"}
    return fields


_HONEST: dict[str, Callable[[random.Random], dict[str, Any]]] = {SUBMIT: created, STATUS: state, BALANCE: balance}


def _honest(rng: random.Random, index: int, call: str) -> AnswerInput:
    fields = _HONEST[call](rng)
    named = dict(rng.sample(sorted(fields.items()), len(fields))) | {"unheard_of": rng.choice((1, None, {"x": []}))}
    body = json.dumps(named, ensure_ascii=rng.random() < 0.5).encode()
    expected = {"task_id": str(fields["task_id"])} if "task_id" in fields else {"balance": float(fields["balance"])}
    status = rng.choice((200, 200, 201, 202)) if call == SUBMIT else 200
    return AnswerInput(index, f"whole answers to a {call}", body, call=call, status=status, expected=expected)


def _mutated(rng: random.Random, index: int, call: str) -> AnswerInput:
    fields = _HONEST[call](rng)
    for _ in range(rng.choice((1, 1, 2, 5))):
        name = rng.choice([*fields, "result_url", "error", "message", "msg", "task_id", "status"])
        if rng.random() < 0.2:
            fields.pop(name, None)
        else:
            # An id is shown wherever there is one; a server whose ids are secrets is beyond help.
            fields[name] = rng.choice(oddities.ODD_IDS if name == "task_id" else oddities.ODD)
    body = json.dumps(fields).encode()
    return AnswerInput(index, f"odd fields in a {call}'s answer", body, call=call, headers=_headers(rng))


def _not_json(rng: random.Random, index: int, call: str) -> AnswerInput:
    whole = json.dumps({**_HONEST[call](rng), "message": oddities.SECRET}).encode()
    body = rng.choice(
        (
            b"",
            whole[: rng.randrange(len(whole))],
            whole + whole,
            _flipped(rng, whole),
            b"\xef\xbb\xbf" + whole,
            whole.decode().encode("utf-16"),
            b"[" * rng.choice((10, 100_000)),
            b'{"a":' * 50_000,
            b"[" + whole + b"]",
            b'{"task_id": "x", "task_id": "' + TASK_ID.encode() + b'", "status": "pending", "status": 5}',
            b'{"task_id": ' + b"9" * 100_000 + b', "status": "exported"}',
            b'{"balance": 1' + b"0" * 5_000 + b"}",
            b"null",
            b"true",
            b'"' + oddities.SECRET.encode() + b'"',
            f"<!DOCTYPE html><html><title>502 {oddities.SECRET}</title><body>{oddities.SECRET}</body>".encode(),
            f"<?xml version='1.0'?><Error><Message>{oddities.SECRET}</Message></Error>".encode(),
            oddities.SECRET.encode() * 200,
            b"?" * 200_000,
            b"?a" * 100_000,
            b"+9" * 100_000,
            b"X-Amz-" * 50_000,
            b"<title" * 50_000,
            b"1" * 300_000,
            rng.randbytes(rng.randint(1, 2_000)),
            b"\x00" * 1_000,
        )
    )
    return AnswerInput(index, f"no JSON in a {call}'s answer", body, call=call, headers=_headers(rng))


def _refused(rng: random.Random, index: int, call: str) -> AnswerInput:
    words = rng.choice((oddities.SECRET, "bad", None, {"x": oddities.SECRET}, [oddities.SECRET], 5, "a" * 5_000))
    body = rng.choice(
        (
            json.dumps({rng.choice(("error", "message", "msg")): words, "code": 1}).encode(),
            json.dumps(_HONEST[call](rng)).encode(),
            f"<html><title>{oddities.SECRET}</title></html>".encode(),
            oddities.SECRET.encode(),
            b"",
        )
    )
    return AnswerInput(
        index, f"codes of a {call}", body, call=call, status=rng.choice(oddities.CODES), headers=_headers(rng)
    )


def _store(rng: random.Random, index: int) -> AnswerInput:
    code = rng.choice(("AccessDenied", "ExpiredToken", "NoSuchKey", "SlowDown", "<b>", "A" * 5_000, oddities.SECRET))
    text = rng.choice(("Request has expired", "no", oddities.SECRET, "x" * 100_000))
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()
    body = rng.choice((body, _flipped(rng, body), b"", b"<Code>" * 20_000))
    headers = {
        **_headers(rng),
        "Content-Range": rng.choice(oddities.CONTENT_RANGES),
        "Content-Length": rng.choice(oddities.LENGTHS),
        "ETag": rng.choice(oddities.ETAGS),
    }
    return AnswerInput(
        index,
        "answers of the store",
        body,
        call=RESULT,
        status=rng.choice((*oddities.CODES, 206, 206, 403)),
        headers=headers,
    )


def _wire(rng: random.Random, index: int) -> AnswerInput:
    """Return a whole answer for a socket, its head included."""
    call = rng.choice((SUBMIT, STATUS, STATUS, BALANCE, RESULT, RESULT))
    if rng.random() < 0.2:
        honest = (
            _honest(rng, index, call) if call != RESULT else AnswerInput(index, "", rng.randbytes(3_000), call=call)
        )
        expected = dict(honest.expected) if call != RESULT else {"size": len(honest.data)}
        data = whole_wire(rng, honest.data)
        return AnswerInput(index, "whole answers over a socket", data, call=call, wire=True, expected=expected)
    body = rng.choice((_mutated, _not_json, _refused))(rng, index, STATUS if call == RESULT else call).data
    data = broken_wire(rng, body, status=rng.choice(oddities.CODES), headers=_headers(rng))
    return AnswerInput(index, "broken answers over a socket", data, call=call, wire=True)


def _headers(rng: random.Random) -> Mapping[str, str]:
    name = rng.choice(("Retry-After", "retry-after", "RETRY-AFTER"))
    return {name: rng.choice(oddities.RETRY_AFTER)} if rng.random() < 0.6 else {}


def _flipped(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


#: Of so many answers one goes over a socket.
OVER_SOCKETS = 6


def make(rng: random.Random, index: int, ordinal: int) -> AnswerInput:
    """Make an answer."""
    if ordinal % OVER_SOCKETS == OVER_SOCKETS - 1:
        return _wire(rng, index)
    kind = rng.choices((_honest, _mutated, _not_json, _refused, _store), (2, 5, 4, 4, 2))[0]
    if kind is _store:
        return _store(rng, index)
    return kind(rng, index, rng.choice((SUBMIT, STATUS, BALANCE)))  # type: ignore[call-arg]
