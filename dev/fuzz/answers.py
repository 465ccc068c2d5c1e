"""
Answers of the API and of the store: what they send, and what bugs, proxies and attackers make of it.

Most are a status, headers and a body; some are bytes on a socket, with heads, lengths and chunks that are false.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from dev.fuzz import values
from dev.fuzz.damage import flip
from dev.fuzz.model import OVER_SOCKETS, AnswerInput
from dev.fuzz.values import QUERY, SECRET, TASK_ID

SUBMIT, STATUS, BALANCE, RESULT = "submission", "status query", "balance query", "result download"

_PAGE = f"<!DOCTYPE html><html><title>502 {SECRET}</title><body>{SECRET}</body>"
_ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


def _fields(rng: random.Random, call: str) -> dict[str, Any]:
    """Return the fields with which the API describes a new task, a task, or the account."""
    if call == BALANCE:
        fields: dict[str, Any] = {"balance": rng.choice((0, 12.5, "77.25", 10**9, -3))}
        more = {"credit": 5, "used_today": 10, "daily_limit": 1000, "reset_time": "00:00", "status": "ok"}
        return fields | (more if rng.random() < 0.5 else {})
    fields = {"task_id": TASK_ID, "total": rng.choice(values.NUMBERS), "created_at": rng.choice(values.TIMES)}
    if call == SUBMIT:
        fields["task_id"] = rng.choice((TASK_ID, 4711))
        return fields | {"status": "pending", "message": "Task created successfully"}
    word = rng.choice(values.WORDS)
    fields |= {"user_id": "wfi7wGPS4B4PdtTMox5Y", "status": word, "updated_at": rng.choice(values.TIMES)}
    fields |= {"success": rng.choice(values.NUMBERS), "failure": rng.choice(values.NUMBERS)}
    if word.strip().lower() == "exported":
        fields["result_url"] = f"https://wapic.s3.ap-southeast-1.amazonaws.com/externalcheck/t/t.zip?{QUERY}"
    return fields


def change_fields(rng: random.Random, fields: dict[str, Any], others: tuple[str, ...], id_name: str) -> None:
    """Leave a field out, or give it another kind of value; perhaps several."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        name = rng.choice([*fields, *others])
        if rng.random() < 0.2:
            fields.pop(name, None)
        else:
            fields[name] = rng.choice(values.WRONG_IDS if name == id_name else values.WRONG_VALUES)


def _whole(rng: random.Random, call: str) -> AnswerInput:
    fields = _fields(rng, call)
    shuffled = dict(rng.sample(sorted(fields.items()), len(fields))) | {"unheard_of": rng.choice((1, None, {"x": []}))}
    body = json.dumps(shuffled, ensure_ascii=rng.random() < 0.5).encode()
    expected = {"task_id": str(fields["task_id"])} if "task_id" in fields else {"balance": float(fields["balance"])}
    status = rng.choice((200, 200, 201, 202)) if call == SUBMIT else 200
    return AnswerInput(body, f"whole answers to a {call}", call=call, status=status, expected=expected)


def _unexpected_fields(rng: random.Random, call: str) -> AnswerInput:
    fields = _fields(rng, call)
    change_fields(rng, fields, ("result_url", "error", "message", "msg", "task_id", "status"), "task_id")
    body = json.dumps(fields).encode()
    return AnswerInput(body, f"unexpected fields in a {call}'s answer", call=call, headers=_headers(rng))


def _not_json(rng: random.Random, call: str) -> AnswerInput:
    whole = json.dumps({**_fields(rng, call), "message": SECRET}).encode()
    twice = b'{"task_id": "x", "task_id": "' + TASK_ID.encode() + b'", "status": "pending", "status": 5}'
    long = (b'{"task_id": ' + b"9" * 100_000 + b', "status": "exported"}', b'{"balance": 1' + b"0" * 5_000 + b"}")
    cut = (b"", whole[: rng.randrange(len(whole))], whole + whole, flip(rng, whole), b"\xef\xbb\xbf" + whole)
    deep = (b"[" * rng.choice((10, 100_000)), b'{"a":' * 50_000, b"[" + whole + b"]", twice, b"null", b"true")
    texts = (text.encode() for text in (f'"{SECRET}"', _PAGE, _ERROR.format("", SECRET), SECRET * 200))
    repeats = {b"?": 200_000, b"?a": 100_000, b"+9": 100_000, b"X-Amz-": 50_000, b"<title": 50_000, b"1": 300_000}
    repeated = (text * times for text, times in repeats.items())
    noise = (rng.randbytes(rng.randint(1, 2_000)), b"\x00" * 1_000, whole.decode().encode("utf-16"))
    body = rng.choice((*cut, *deep, *long, *texts, *repeated, *noise))
    return AnswerInput(body, f"no JSON in a {call}'s answer", call=call, headers=_headers(rng))


def _refused(rng: random.Random, call: str) -> AnswerInput:
    words = rng.choice((SECRET, "bad", None, {"x": SECRET}, [SECRET], 5, "a" * 5_000))
    reason = json.dumps({rng.choice(("error", "message", "msg")): words, "code": 1})
    page = f"<html><title>{SECRET}</title></html>"
    body = rng.choice((reason, json.dumps(_fields(rng, call)), page, SECRET, "")).encode()
    status = rng.choice(values.CODES)
    return AnswerInput(body, f"codes of a {call}", call=call, status=status, headers=_headers(rng))


def _of_store(rng: random.Random, _: str) -> AnswerInput:
    code = rng.choice(("AccessDenied", "ExpiredToken", "NoSuchKey", "SlowDown", "<b>", "A" * 5_000, SECRET))
    body = _ERROR.format(code, rng.choice(("Request has expired", "no", SECRET, "x" * 100_000))).encode()
    body = rng.choice((body, flip(rng, body), b"", b"<Code>" * 20_000))
    headers = {
        **_headers(rng),
        "Content-Range": rng.choice(values.CONTENT_RANGES),
        "Content-Length": rng.choice(values.LENGTHS),
        "ETag": rng.choice(values.ETAGS),
    }
    status = rng.choice((*values.CODES, 206, 206, 403))
    return AnswerInput(body, "answers of the store", call=RESULT, status=status, headers=headers)


def _whole_wire(rng: random.Random, body: bytes) -> bytes:
    """Write a proper answer: with its length, in chunks, or ended by the end of the connection."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "X-Other: " + "x" * rng.choice((0, 3_000))]
    match rng.choice(("length", "chunks", "close")):
        case "length":
            lines.append(f"Content-Length: {len(body)}")
        case "chunks":
            lines.append("Transfer-Encoding: chunked")
            body = _chunked(rng, body)
    return _head([*lines, "Connection: close"]) + body


def _broken_wire(rng: random.Random, body: bytes, *, status: int, headers: Mapping[str, str]) -> bytes:
    """Write an answer with something wrong in its head, its length or its chunks."""
    first = rng.choice(
        (
            *(f"HTTP/1.1 {status} X", f"HTTP/1.0 {status}", f"HTTP/1.1 {status}", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
            *("HTTP/2 200", "HTTP/1.1", "HTTP/1.1 abc OK", "HTTP/1.1 -200 OK", "ICY 200 OK", "", "\x00\x00\x00"),
            "HTTP/1.1 200 " + "x" * 70_000,
        )
    )
    size = len(body)
    too_long, two = size + rng.choice((1, 1_000_000, 10**20)), f"{size}\r\nContent-Length: {size + 1}"
    lengths = (-1, too_long, max(0, size - 1), "abc", two)
    encodings = ("gzip", "deflate", "br, gzip, zstd")
    extra = rng.choice(
        (
            *(f"Content-Length: {length}" for length in lengths),
            *(f"Content-Encoding: {encoding}" for encoding in encodings),
            *("", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
            *("Location: http://169.254.169.254/", "Set-Cookie: a=b", ": no name", "no colon", " folded", "X: \x00"),
            *("X: " + "y" * 70_000, "\r\n".join(f"X-{number}: 1" for number in range(300))),
            *("Content-Range: bytes 0-9/10", "WWW-Authenticate: Basic realm=x"),
        )
    )
    named = [f"{name}: {value}" for name, value in headers.items()]
    head = _head([first, *named, *([extra] if extra else []), "Connection: close"])
    if rng.random() < 0.2:
        false_chunk = rng.choice((b"zz\r\n", b"-5\r\nab\r\n", b"FFFFFFFFFFFFFFFF\r\nx")) + body
        body = _chunked(rng, body) if rng.random() < 0.5 else false_chunk
    data = bytearray(head + body)
    if rng.random() < 0.3:
        for _ in range(rng.choice((1, 3, 20))):
            data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]
    return bytes(data)


def _chunked(rng: random.Random, body: bytes) -> bytes:
    pieces = []
    while body:
        size = rng.randint(1, len(body))
        pieces.append(b"%x\r\n%s\r\n" % (size, body[:size]))
        body = body[size:]
    return b"".join([*pieces, b"0\r\n\r\n"])


def _head(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def _over_a_socket(rng: random.Random) -> AnswerInput:
    call = rng.choice((SUBMIT, STATUS, STATUS, BALANCE, RESULT, RESULT))
    if rng.random() < 0.2:
        if call == RESULT:
            body = rng.randbytes(3_000)
            expected: Mapping[str, object] = {"size": len(body)}
        else:
            whole = _whole(rng, call)
            body, expected = whole.data, whole.expected
        data = _whole_wire(rng, body)
        return AnswerInput(data, "whole answers over a socket", call=call, wire=True, expected=expected)
    body = rng.choice((_unexpected_fields, _not_json, _refused))(rng, STATUS if call == RESULT else call).data
    data = _broken_wire(rng, body, status=rng.choice(values.CODES), headers=_headers(rng))
    return AnswerInput(data, "broken answers over a socket", call=call, wire=True)


def _headers(rng: random.Random) -> Mapping[str, str]:
    name = rng.choice(("Retry-After", "retry-after", "RETRY-AFTER"))
    return {name: rng.choice(values.RETRY_AFTER)} if rng.random() < 0.6 else {}


def make(choices: random.Random, rng: random.Random, ordinal: int) -> AnswerInput:
    """Make an answer; ``choices`` are the dice for its class."""
    if ordinal % OVER_SOCKETS == OVER_SOCKETS - 1:
        return _over_a_socket(rng)
    kind = choices.choices((_whole, _unexpected_fields, _not_json, _refused, _of_store), (2, 5, 4, 4, 2))[0]
    return kind(rng, choices.choice((SUBMIT, STATUS, BALANCE)))
