"""What inputs are made of: numbers and secrets that must never be shown, and values that programs fail at."""

from __future__ import annotations

import random
import re
from typing import Any

API_KEY = "made-up-fuzz-key-0123456789abcdef"
TASK_ID = "d4g8o46p2jvh04o9uolg"

#: A query as presigned URLs have it; whoever holds it reads the result.
QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=made-up&X-Amz-Signature=made-up-signature"

# Numbers of no country. The digits behind them are rare enough never to be in a checksum by chance.
_PREFIX = "9994321"
_SECRETS = {
    "a number": re.compile(rf"{_PREFIX}\d{{5,}}"),
    "a key": re.compile(re.escape(API_KEY)),
    "a URL's query": re.compile(r"X-Amz-Signature=made-up-signature"),
}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ .()-]{1,3}(?=\d)")


def digits_of(row: int) -> str:
    """Return the digits of a made-up number, without the plus; a different one for each row."""
    return f"{_PREFIX}{row:07d}"


def fresh_digits(rng: random.Random, count: int) -> list[str]:
    """Return so many numbers, all different."""
    return [digits_of(row) for row in rng.sample(range(10_000_000), count)]


def secrets_in(text: str) -> list[str]:
    """Name the kinds of secret that a text shows."""
    spellings = (text, _BETWEEN_DIGITS.sub("", text))
    return [kind for kind, pattern in _SECRETS.items() if any(pattern.search(spelling) for spelling in spellings)]


#: All secrets, as a careless server quotes them.
SECRET = f"+{digits_of(11)} {API_KEY} https://wapic.s3.ap-southeast-1.amazonaws.com/externalcheck/t.zip?{QUERY}"

# The usual values of an answer's fields.
WORDS = ("pending", "processing", "completed", "exported", "failed", "Exported", " EXPORTED ", "queued", "paused")
NUMBERS = (0, 1, 2049, 1024, "2049", 2049.0, 10_000_000)
TIMES = (
    *("2025-11-21T15:58:08.916446594Z", "2025-11-21T08:27:09.933Z", "2025-11-21 08:27:09", "2025-11-21"),
    "0001-01-01T00:00:00Z",
)

#: What is in place of a task's id: an id is shown wherever there is one, so none is a secret.
WRONG_IDS: tuple[Any, ...] = (
    *(None, True, False, "", " ", "NaN", "1e999", "0x10", "\uff11\uff12", [], {}, [[]], {"a": 1}),
    *(0, -1, 1.5, 1e308, -1e308, 10**400, 2**63, "1" * 5_000, float("nan"), float("inf")),
    *("\ud800", "\x00", "a" * 3_000, TASK_ID, TASK_ID.upper(), "None"),
)

#: What is in place of any other field.
WRONG_VALUES: tuple[Any, ...] = (
    *(*WRONG_IDS, SECRET, "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-23:59"),
    *("javascript:alert(1)", "http://169.254.169.254/latest", f"https://user:pw@x.s3.amazonaws.com/?{QUERY}"),
    *("https://[", "//x", "https://x.s3.amazonaws.com:99999/t", "file:///etc/passwd"),
)

CODES = (
    *(200, 200, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307),
    *(400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 416, 418, 422, 425, 429, 429, 451, 499),
    *(500, 500, 501, 502, 503, 503, 504, 507, 520, 599, 600, 999, 100, 0),
)
RETRY_AFTER = (
    *("0", "5", "120", "-1", "1e9", "999999999", "9" * 400, "1.5", "NaN", "\u0661\u0662", "", "soon", "\x00", SECRET),
    *("Fri, 31 Dec 1999 23:59:59 GMT", "Wed, 01 Jan 9999 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT"),
    "Mon, 1 Jan 0000 00:00:00 -9999",
)
CONTENT_RANGES = (
    *("bytes 0-9/10", "bytes 5-9/10", "bytes */10", "bytes 9-0/5", "bytes 0-9/*", "", "x"),
    *("bytes \u0661-\u0669/10", "bytes " + "9" * 50),
)
LENGTHS = ("10", "-1", "", "9" * 30, "\uff11", "10, 10", "0x10")
ETAGS = ('"x"', "", 'W/"x"', "\xff", '"' + "x" * 10_000 + '"')
