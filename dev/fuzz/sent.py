"""What was sent, as a landing is given it: the input and the submission's record, right, changed, gone, wrong, odd."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from dev.fuzz import odd_values
from dev.fuzz.answers import odd_fields
from dev.fuzz.marks import API_KEY, TASK_ID, digits_of
from dev.fuzz.model import BESIDE_INPUT, Fate, Sent
from dev.fuzz.number_files import plain_reading
from dev.fuzz.shapes import zipped

_NUMBER = re.compile(rb"\+?([1-9][0-9]{1,14})")
_INVALID = (b"number", b"+0123", b"+1", b"tel:+99943210000001", b"+" + b"9" * 16, b"a" * 5_000, b"+999 43", b"\xff")
_NOT_NUMBERS = (b"number", b"somebody@example.com", b"+0123", b"+999 43", API_KEY.encode(), b"\xff", b"-")
_DEEP = ("[" * 100_000, '{"a":' * 50_000)

Maker = Callable[[random.Random, Sequence[str]], Sent]

#: By class, a function of dice and of the result's numbers. The first ones are those that the negative control needs.
SENT: dict[str, Maker] = {}


def _class(name: str) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        SENT[name] = make
        return make

    return add


@_class("some missing")
def _some_missing(rng: random.Random, came: Sequence[str]) -> Sent:
    return _honest(rng, _lines(rng, _mixed(rng, came)))


@_class("changed since")
def _changed_since(rng: random.Random, came: Sequence[str]) -> Sent:
    """Change the input after the submission, by as little as a digit."""
    sent = _some_missing(rng, came)
    data = sent.data or b""
    lines = data.splitlines(keepends=True)
    line = rng.randrange(len(lines))
    digit = re.search(rb"[0-9](?=[^0-9]*$)", data)
    place = digit.start() if digit else 0
    other_digit = data[:place] + b"%d" % ((int(data[place : place + 1]) + 1) % 10) + data[place + 1 :]
    fewer, other_order = b"".join(lines[:line] + lines[line + 1 :]), b"".join(reversed(lines))
    more = (data + b"\n", b"\xef\xbb\xbf" + data, data[: rng.randrange(len(data))], b"")
    changed = rng.choice((other_digit, fewer, other_order, *more))
    new_line = f"\n+{digits_of(12)}\n".encode()
    return dataclasses.replace(sent, data=changed if changed != data else data + new_line, fate="left out")


@_class("of another task")
def _of_another_task(rng: random.Random, came: Sequence[str]) -> Sent:
    others = ("d4g24nep2jvh04o9uoh0", TASK_ID.upper(), f" {TASK_ID}", f"{TASK_ID}0", "", 4711, None, [TASK_ID])
    return _with(_some_missing(rng, came), fate="refused", ekyc_task_id=rng.choice(others))


@_class("none came back")
def _none_came_back(rng: random.Random, came: Sequence[str]) -> Sent:
    """Send other numbers than came back: the result is another one's."""
    return _honest(rng, _lines(rng, _others(rng, came)))


@_class("all came back")
def _all_came_back(rng: random.Random, came: Sequence[str]) -> Sent:
    """Send what was returned, or a part of it."""
    return _honest(rng, _lines(rng, rng.choice((list(came), _part(rng, came))) or [digits_of(0)]))


@_class("invalid lines dropped")
def _invalid_dropped(rng: random.Random, came: Sequence[str]) -> Sent:
    numbers = _mixed(rng, came)
    broken = [*rng.choices(_INVALID, k=rng.randint(1, 9)), rng.choice(numbers).encode()]
    return _honest(rng, _lines(rng, numbers, also=broken))


@_class("without a plus")
def _without_plus(rng: random.Random, came: Sequence[str]) -> Sent:
    return _honest(rng, _lines(rng, _mixed(rng, came), plus=False), check=False)


@_class("in two writings")
def _two_writings(rng: random.Random, came: Sequence[str]) -> Sent:
    """Send a number with a plus and without, unchecked: two lines for the server, one number for a comparison."""
    numbers = _mixed(rng, came)
    twice = [digits.encode() for digits in rng.sample(numbers, min(len(numbers), rng.choice((1, 2, 9))))]
    return _honest(rng, _lines(rng, numbers, also=twice), check=False, fate="left out")


@_class("not numbers")
def _not_numbers(rng: random.Random, came: Sequence[str]) -> Sent:
    """Send what is no number among numbers, unchecked, or nothing else."""
    also = rng.sample(_NOT_NUMBERS, rng.randint(1, 4))
    return _honest(rng, _lines(rng, rng.choice((_mixed(rng, came), [])), also=also), check=False, fate="left out")


@_class("gone")
def _gone(rng: random.Random, came: Sequence[str]) -> Sent:
    return dataclasses.replace(_some_missing(rng, came), data=None, fate="left out")


@_class("no text")
def _no_text(rng: random.Random, came: Sequence[str]) -> Sent:
    """Put another kind of file in the input's place, perhaps one that has the submission's digest."""
    sent = _some_missing(rng, came)
    text = sent.data or b""
    archives = (gzip.compress(text), zipped(text, b"numbers.txt"), b"\xfd7zXZ\x00" + text)
    data = rng.choice((*archives, text + b"\x00", text.decode("utf-8", "replace").encode("utf-16")))
    digest = {"input_sha256": hashlib.sha256(data).hexdigest()} if rng.random() < 0.5 else {}
    return _with(dataclasses.replace(sent, data=data), fate="left out", **digest)


@_class("no digest")
def _no_digest(rng: random.Random, came: Sequence[str]) -> Sent:
    """Give the record of an earlier version, which has no digest of the input, or one that is none."""
    digest: object = rng.choice((None, "", "0" * 64, 5, [], True))
    return _with(_some_missing(rng, came), fate="left out", input_sha256=digest)


@_class("wrong counts")
def _wrong_counts(rng: random.Random, came: Sequence[str]) -> Sent:
    """Give a record whose counts can't be right."""
    sent = _some_missing(rng, came)
    rows = len(sent.numbers)
    wrong = (rows + 1, rows - 1, rng.choice((0, -1, 2**63, 10**400)))
    counts = (*({"rows": count} for count in wrong), {"invalid": rng.choice((1, 10**9, -1, 2**63))})
    return _with(sent, fate="left out", **rng.choice(counts))


@_class("an odd record")
def _odd_record(rng: random.Random, came: Sequence[str]) -> Sent:
    """Give a record with fields of other kinds, without some, or what is no record at all."""
    sent = dataclasses.replace(_some_missing(rng, came), fate="any")
    record = dict(_record(sent))
    odd_fields(rng, record, ("rows", "invalid", "input_sha256", "unheard_of"), "ekyc_task_id")
    if rng.random() < 0.6:
        return dataclasses.replace(sent, submission=record)
    text = json.dumps(record)
    none: tuple[object, ...] = (text[: rng.randrange(len(text))], text + text, f"[{text}]", [record], json.dumps(text))
    odd = rng.choice((none, odd_values.ODD, _DEEP, ("null", "{}", {}, "None")))
    return dataclasses.replace(sent, submission=rng.choice(odd))


@_class("half a submission")
def _half(rng: random.Random, came: Sequence[str]) -> Sent:
    """Give the input alone, the list's place without it, or the result's place for the list as well."""
    changes: tuple[dict[str, Any], ...] = (
        {"submission": None},
        {"place": "nowhere", "unmatched": "key", "fate": "refused"},
        {"place": "nowhere", "unmatched": "nowhere", "fate": "left out"},
        {"unmatched": "s3_key", "fate": "refused"},
    )
    return dataclasses.replace(_some_missing(rng, came), **rng.choice(changes))


def has_input(ordinal: int) -> bool:
    """Tell whether the archive with this number goes through beside what was sent."""
    return ordinal % BESIDE_INPUT == BESIDE_INPUT - 1


def is_plain(ordinal: int) -> bool:
    """
    Tell whether nothing else is wrong with the transfer of this archive.

    So it is as long as the classes are gone through for the first time, for the negative control.
    """
    return ordinal // BESIDE_INPUT < len(SENT)


def make(rng: random.Random, nth: int, came: Sequence[str]) -> Sent:
    """
    Make what a landing is given to compare with.

    :param nth: of all that are made; the first ones go through the classes, twice
    :param came: digits of the numbers in the result, as far as they are known
    """
    names = list(SENT)
    name = names[nth % len(names)] if nth < 2 * len(names) else rng.choice((*names, "some missing", "some missing"))
    sent = dataclasses.replace(SENT[name](rng, came), name=name)
    if isinstance(sent.submission, dict) and rng.random() < 0.3:
        sent = dataclasses.replace(sent, submission=json.dumps(sent.submission))
    if nth < len(names) or (sent.place, sent.unmatched) != ("path", "key"):
        return sent
    places: tuple[Any, ...] = ("path", "path", "file", "s3")
    unmatched: tuple[Any, ...] = ("key", "key", "address", "nowhere")
    return dataclasses.replace(sent, place=rng.choice(places), unmatched=rng.choice(unmatched))


def _honest(rng: random.Random, data: bytes, *, check: bool = True, fate: Fate = "compared") -> Sent:
    """Return an input, and what the submit operator says of it."""
    read = plain_reading(data, check=check)
    record = {
        "ekyc_task_id": TASK_ID,
        "task_type": "amazon",
        "fingerprint": rng.randbytes(32).hex(),
        "lines_read": read.lines,
        "blank": read.blank,
        "duplicates": read.duplicates,
        "invalid": read.invalid,
        "rows": len(read.left),
        "total": rng.choice((len(read.left), 0, None)),
        "submitted_at": rng.choice((odd_values.TIMES[0], None)),
        "input_sha256": hashlib.sha256(data).hexdigest(),
    }
    matches = map(_NUMBER.fullmatch, read.left)
    return Sent("", data, record, frozenset(match[1].decode() for match in matches if match), fate)


def _with(sent: Sent, *, fate: Fate, **fields: Any) -> Sent:
    """Return the same with other words in the record."""
    return dataclasses.replace(sent, submission={**_record(sent), **fields}, fate=fate)


def _record(sent: Sent) -> dict[str, Any]:
    if not isinstance(sent.submission, dict):
        raise TypeError("no record")
    return sent.submission


def _lines(rng: random.Random, numbers: Sequence[str], *, also: Sequence[bytes] = (), plus: bool = True) -> bytes:
    """Write numbers in any order, some twice, with blank lines and blanks, as people's files have them."""
    lines = [b"+" * plus + digits.encode() for digits in numbers]
    lines += [*rng.choices(lines, k=rng.choice((0, 0, 3)) if lines else 0), *also]
    if rng.random() < 0.3:
        lines = [rng.choice((b"", b" ", b"\t")) + line + rng.choice((b"", b"  ")) for line in lines]
        lines += rng.choice(([], [b"", b" \t"]))
    rng.shuffle(lines)
    end = rng.choice((b"\n", b"\n", b"\r\n", b"\r"))
    return rng.choice((b"", b"", b"\xef\xbb\xbf")) + end.join(lines) + rng.choice((end, end, b""))


def _mixed(rng: random.Random, came: Sequence[str]) -> list[str]:
    """Return some numbers that were returned, and some that did not."""
    return [*_part(rng, came), *_others(rng, came)]


def _part(rng: random.Random, came: Sequence[str]) -> list[str]:
    """Return some numbers of the result, one at the least, or most of them, so that what is left was never sent."""
    return rng.sample(came, rng.choice((len(came), rng.randint(1, len(came))))) if came else []


def _others(rng: random.Random, came: Collection[str]) -> list[str]:
    """Return numbers that are not in the result, one at the least, of all lengths."""
    known = set(came)
    count = rng.choices((1, rng.randint(2, 50), 400, 40_000), (8, 16, 8, 1))[0]
    found = {f"9994321{rng.randrange(10**width):0{width}d}" for width in rng.choices((5, 6, 7, 8), k=count)}
    return sorted(found - known) or [digits_of(max(map(int, known)) % 10**7 + 1)]
