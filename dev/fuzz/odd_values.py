"""Words, numbers, codes and headers that answers are made of: the usual ones, and those that programs fail at."""

from __future__ import annotations

from typing import Any

from dev.fuzz.marks import QUERY, SECRET, TASK_ID

WORDS = ("pending", "processing", "completed", "exported", "failed", "Exported", " EXPORTED ", "queued", "paused")
NUMBERS = (0, 1, 2049, 1024, "2049", 2049.0, 10_000_000)
TIMES = (
    *("2025-11-21T15:58:08.916446594Z", "2025-11-21T08:27:09.933Z", "2025-11-21 08:27:09", "2025-11-21"),
    "0001-01-01T00:00:00Z",
)

_NO_NUMBERS: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    " ",
    "NaN",
    "1e999",
    "0x10",
    "\uff11\uff12",
    [],
    {},
    [[]],
    {"a": 1},
)
_FAR_NUMBERS = (0, -1, 1.5, 1e308, -1e308, 10**400, 2**63, "1" * 5_000, float("nan"), float("inf"))
_TEXTS = ("\ud800", "\x00", "a" * 3_000, TASK_ID, TASK_ID.upper(), "None")
_FAR_TIMES = ("9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-23:59")
_URLS = (
    *("javascript:alert(1)", "http://169.254.169.254/latest", f"https://user:pw@x.s3.amazonaws.com/?{QUERY}"),
    *("https://[", "//x", "https://x.s3.amazonaws.com:99999/t", "file:///etc/passwd"),
)

#: In place of a task's id: an id is shown wherever there is one, so none is a secret.
ODD_IDS: tuple[Any, ...] = (*_NO_NUMBERS, *_FAR_NUMBERS, *_TEXTS)

#: In place of any other field.
ODD: tuple[Any, ...] = (*ODD_IDS, SECRET, *_FAR_TIMES, *_URLS)

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
