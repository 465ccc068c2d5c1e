"""What was sent, as a landing is given it: the input and the submission's record, right, changed, gone, wrong."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from dev.fuzz.answers import change_fields
from dev.fuzz.model import BESIDE_INPUT, Fate, Sent
from dev.fuzz.number_files import plain_reading
from dev.fuzz.values import API_KEY, TASK_ID, TIMES, WRONG_VALUES, digits_of
from dev.fuzz.zip_writer import zipped

_NUMBER = re.compile(rb"\+?([1-9][0-9]{1,14})")
_INVALID = (b"number", b"+0123", b"+1", b"tel:+99943210000001", b"+" + b"9" * 16, b"a" * 5_000, b"+999 43", b"\xff")
_NOT_NUMBERS = (b"number", b"somebody@example.com", b"+0123", b"+999 43", API_KEY.encode(), b"\xff", b"-")
_DEEP = ("[" * 100_000, '{"a":' * 50_000)
_OTHER_IDS = ("d4g24nep2jvh04o9uoh0", TASK_ID.upper(), f" {TASK_ID}", f"{TASK_ID}0", "", 4711, None, [TASK_ID])
# As in the record of an earlier version, or what is no digest.
_NO_DIGESTS: tuple[object, ...] = (None, "", "0" * 64, 5, [], True)
_HALVES: tuple[dict[str, Any], ...] = (
    {"submission": None},
    {"place": "nowhere", "unmatched": "key", "fate": "refused"},
    {"place": "nowhere", "unmatched": "nowhere", "fate": "left out"},
    {"unmatched": "s3_key", "fate": "refused"},
)


def _some_missing(rng: random.Random, returned: Sequence[str]) -> Sent:
    return _honest(rng, _lines(rng, _mixed(rng, returned)))


def _changed_since(rng: random.Random, returned: Sequence[str]) -> Sent:
    # By as little as a digit.
    sent = _some_missing(rng, returned)
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


def _all_returned(rng: random.Random, returned: Sequence[str]) -> Sent:
    # Or half of them: of fewer the result would be another one's.
    most = rng.sample(returned, rng.randint((len(returned) + 1) // 2, len(returned)))
    return _honest(rng, _lines(rng, rng.choice((returned, most)) or [digits_of(0)]))


def _invalid_dropped(rng: random.Random, returned: Sequence[str]) -> Sent:
    numbers = _mixed(rng, returned)
    also = [*rng.choices(_INVALID, k=rng.randint(1, 9)), rng.choice(numbers).encode()]
    return _honest(rng, _lines(rng, numbers, also=also))


def _two_writings(rng: random.Random, returned: Sequence[str]) -> Sent:
    # A number with a plus and without, unchecked: two lines for the server, one number for a comparison.
    numbers = _mixed(rng, returned)
    twice = [digits.encode() for digits in rng.sample(numbers, min(len(numbers), rng.choice((1, 2, 9))))]
    return _honest(rng, _lines(rng, numbers, also=twice), check=False, fate="left out")


def _not_numbers(rng: random.Random, returned: Sequence[str]) -> Sent:
    also = rng.sample(_NOT_NUMBERS, rng.randint(1, 4))
    return _honest(rng, _lines(rng, rng.choice((_mixed(rng, returned), [])), also=also), check=False, fate="left out")


def _no_text(rng: random.Random, returned: Sequence[str]) -> Sent:
    # Another kind of file, perhaps one that has the submission's digest.
    sent = _some_missing(rng, returned)
    text = sent.data or b""
    archives = (gzip.compress(text), zipped(text, b"numbers.txt"), b"\xfd7zXZ\x00" + text)
    data = rng.choice((*archives, text + b"\x00", text.decode("utf-8", "replace").encode("utf-16")))
    digest = {"input_sha256": hashlib.sha256(data).hexdigest()} if rng.random() < 0.5 else {}
    return _with(dataclasses.replace(sent, data=data), "left out", **digest)


def _wrong_counts(rng: random.Random, returned: Sequence[str]) -> Sent:
    sent = _some_missing(rng, returned)
    rows = len(sent.numbers)
    wrong = (rows + 1, rows - 1, rng.choice((0, -1, 2**63, 10**400)))
    counts = (*({"rows": count} for count in wrong), {"invalid": rng.choice((1, 10**9, -1, 2**63))})
    return _with(sent, "left out", **rng.choice(counts))


def _unexpected_record(rng: random.Random, returned: Sequence[str]) -> Sent:
    # Fields of other kinds, missing ones, or no record at all.
    sent = dataclasses.replace(_some_missing(rng, returned), fate="any")
    record = dict(sent.submission)
    change_fields(rng, record, ("rows", "invalid", "input_sha256", "unheard_of"), "ekyc_task_id")
    if rng.random() < 0.6:
        return dataclasses.replace(sent, submission=record)
    text = json.dumps(record)
    none: tuple[object, ...] = (text[: rng.randrange(len(text))], text + text, f"[{text}]", [record], json.dumps(text))
    others: tuple[tuple[object, ...], ...] = (none, WRONG_VALUES, _DEEP, ("null", "{}", {}, "None"))
    return dataclasses.replace(sent, submission=rng.choice(rng.choice(others)))


#: By class, a function of dice and of the result's numbers. The first ones are those that the negative control needs.
SENT: dict[str, Callable[[random.Random, Sequence[str]], Sent]] = {
    "some missing": _some_missing,
    "changed since": _changed_since,
    "of another task": lambda rng, returned: _with(
        _some_missing(rng, returned), "refused", ekyc_task_id=rng.choice(_OTHER_IDS)
    ),
    "none returned": lambda rng, returned: _honest(rng, _lines(rng, _others(rng, returned))),
    "all returned": _all_returned,
    "invalid lines dropped": _invalid_dropped,
    "without a plus": lambda rng, returned: _honest(rng, _lines(rng, _mixed(rng, returned), plus=False), check=False),
    "in two writings": _two_writings,
    "not numbers": _not_numbers,
    "gone": lambda rng, returned: dataclasses.replace(_some_missing(rng, returned), data=None, fate="left out"),
    "no text": _no_text,
    "no digest": lambda rng, returned: _with(
        _some_missing(rng, returned), "left out", input_sha256=rng.choice(_NO_DIGESTS)
    ),
    "wrong counts": _wrong_counts,
    "an unexpected record": _unexpected_record,
    "half a submission": lambda rng, returned: dataclasses.replace(_some_missing(rng, returned), **rng.choice(_HALVES)),
}


def has_input(ordinal: int) -> bool:
    """Tell whether the archive with this number goes through beside what was sent."""
    return ordinal % BESIDE_INPUT == BESIDE_INPUT - 1


def is_plain(ordinal: int) -> bool:
    """
    Tell whether nothing else is wrong with the transfer of this archive.

    So it is as long as the classes are gone through for the first time, for the negative control.
    """
    return ordinal // BESIDE_INPUT < len(SENT)


def make(rng: random.Random, nth: int, returned: Sequence[str], name: str) -> Sent:
    """
    Make what a landing is given to compare with.

    :param nth: of all that are made; the first ones have the plainest arguments
    :param returned: digits of the numbers in the result, as far as they are known
    :param name: of the class
    """
    sent = dataclasses.replace(SENT[name](rng, returned), name=name)
    if isinstance(sent.submission, dict) and rng.random() < 0.3:
        sent = dataclasses.replace(sent, submission=json.dumps(sent.submission))
    if nth < len(SENT) or (sent.place, sent.unmatched) != ("path", "key"):
        return sent
    places: tuple[Any, ...] = ("path", "path", "file", "s3")
    unmatched: tuple[Any, ...] = ("key", "key", "address", "nowhere")
    return dataclasses.replace(sent, place=rng.choice(places), unmatched=rng.choice(unmatched))


def _honest(rng: random.Random, data: bytes, *, check: bool = True, fate: Fate = "compared") -> Sent:
    """Return an input, and what the submit operator pushes for it."""
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
        "submitted_at": rng.choice((TIMES[0], None)),
        "input_sha256": hashlib.sha256(data).hexdigest(),
    }
    matches = map(_NUMBER.fullmatch, read.left)
    return Sent(data, record, frozenset(match[1].decode() for match in matches if match), fate)


def _with(sent: Sent, fate: Fate, **fields: Any) -> Sent:
    """Return the same with other values in the record."""
    return dataclasses.replace(sent, submission={**sent.submission, **fields}, fate=fate)


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


def _mixed(rng: random.Random, returned: Sequence[str]) -> list[str]:
    """Return some numbers of the result, and some that are not in it."""
    return [*_part(rng, returned), *_others(rng, returned)]


def _part(rng: random.Random, returned: Sequence[str]) -> list[str]:
    """Return some numbers of the result, at least one if there are any."""
    return rng.sample(returned, rng.choice((len(returned), rng.randint(1, len(returned))))) if returned else []


def _others(rng: random.Random, returned: Collection[str]) -> list[str]:
    """Return numbers that are not in the result, of all lengths, at least one."""
    known = set(returned)
    count = rng.choices((1, rng.randint(2, 50), 400, 40_000), (8, 16, 8, 1))[0]
    found = {f"9994321{rng.randrange(10**width):0{width}d}" for width in rng.choices((5, 6, 7, 8), k=count)}
    return sorted(found - known) or [digits_of(max(map(int, known)) % 10**7 + 1)]
