"""What the inputs hold that must never be shown, spelled so that it is known again wherever it is shown."""

from __future__ import annotations

import random
import re

API_KEY = "made-up-fuzz-key-0123456789abcdef"

#: A query as presigned URLs have it; whoever holds it reads the result.
QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=made-up&X-Amz-Signature=made-up-signature"

# Numbers of no country. The digits behind them are rare enough never to turn up in a checksum by chance.
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


#: What must not be shown, as a careless server quotes it.
SECRET = f"+{digits_of(11)} {API_KEY} https://wapic.s3.ap-southeast-1.amazonaws.com/externalcheck/t.zip?{QUERY}"
TASK_ID = "d4g8o46p2jvh04o9uolg"
