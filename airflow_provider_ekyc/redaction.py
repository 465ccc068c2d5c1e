"""
Take out of foreign text what may not be shown.

Servers echo what they were sent: a 400 may quote the offending number, an error page the request's URL.
Such text reaches logs and exceptions only through :func:`redact`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

# Up to the next "?" at the most before the "=": a page full of question marks must not cost a second.
_QUERY = re.compile(r"\?[^\s\"'<>?=]*=[^\s\"'<>]*")
# A presigned URL that was itself quoted in a URL, or was torn apart.
_SIGNED = re.compile(r"(X-Amz-[A-Za-z-]{1,40}(?:=|%3D))[^\s\"'<>&]*", re.IGNORECASE)
# Nine digits and more, however grouped, or five behind a plus: shorter runs are counts, codes and limits.
# Possessive, since each step back that could be taken is remembered: 150 MiB for a megabyte of digits.
_NUMBER = re.compile(r"(?:\+|%2[Bb])\d(?:[ .()-]{0,2}+\d){4,}+|\d(?:[ .()-]{0,2}+\d){8,}+")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?!\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def redact(text: str, *, secrets: Iterable[str] = (), limit: int = 300) -> str:
    """
    Return ``text`` on one line without phone numbers, secrets and the queries of URLs.

    :param text: anything that came from outside
    :param secrets: strings to hide wherever they occur (the API key)
    :param limit: characters to keep at the most
    """
    for secret in secrets:
        for spelling in _spellings(secret):
            text = text.replace(spelling, "***")
    text = _SIGNED.sub(r"\1***", _QUERY.sub("?***", text))
    # A time is the one long run of digits that helps the reader; it is put aside and back again.
    times = _TIMESTAMP.findall(text)
    pieces = [_NUMBER.sub("[number removed]", piece) for piece in _TIMESTAMP.split(text)]
    text = pieces[0] + "".join(time + piece for time, piece in zip(times, pieces[1:], strict=True))
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= limit else text[:limit] + "…"


def _spellings(secret: str) -> Iterator[str]:
    """Return a secret as it is, and as JSON, Python, HTML and URLs write it; the longest first."""
    spellings = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret), quote(secret, safe="")}
    return (spelling for spelling in sorted(spellings, key=len, reverse=True) if spelling)


def without_query(url: str) -> str:
    """Return ``url`` up to its query, credentials taken out: the part that may be shown."""
    shown = url.split("?", 1)[0].split("#", 1)[0]
    return re.sub(r"//[^/@]*@", "//", shown)
