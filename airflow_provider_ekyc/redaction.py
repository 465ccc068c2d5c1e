"""
Remove from foreign text what must not be shown.

Servers echo what they were sent: a 400 may quote the offending number, an error page the request's URL. Such text
reaches logs and exceptions only through :func:`redact`. It hides what is found among what was sent, in any spelling,
and what looks like a number, since a server may also quote what others sent.
"""

from __future__ import annotations

import html
import json
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Set as AbstractSet
from typing import Protocol
from urllib.parse import quote, unquote

#: Characters of a foreign text that are looked at: much more than is shown, and few enough to look at them closely.
LONGEST = 16_384

# Left out at the end of a longer text, so that no half of a number or of a key stays.
_EDGE = 128

# Characters of a secret that are not shown in one piece.
_PART = 6

# Digits of a sent number that are not shown in one piece: without its country it is still a number.
_LEAST_DIGITS = 7
_MOST_DIGITS = 15  # ITU-T E.164

# Up to the next "?" at the most before the "=": a page full of question marks must not cost a second.
_QUERY = re.compile(r"\?[^\s\"'<>?=]*=[^\s\"'<>]*")
# The whole query of an address, as it was sent: read further, a blank or a quote in it would seem to be its end. Its
# slashes may be written as JSON or HTML writes them.
_SLASH = r"(?:\\*/|&#(?:47|x2f);|\\+u002f)"
_URL_QUERY = re.compile(rf"(https?:{_SLASH}{{2}}[^\s\"<>?]{{1,1000}}\?)[^\s\"<>]+", re.IGNORECASE)
# A presigned URL that was itself quoted in a URL, or was torn apart: of S3, Google and CloudFront.
_SIGNED = re.compile(
    r"((?:X-(?:Amz|Goog)-[A-Za-z-]{1,40}|(?<![A-Za-z])(?:AWSAccessKeyId|GoogleAccessId|Signature|Policy|Key-Pair-Id|"
    r"sig|token))(?:=|%3D))[^\s\"'<>&]*",
    re.IGNORECASE,
)
# With the marks in it: an at sign behind one belongs to all of it.
_WORD = re.compile(r"(?:\[number removed\]|[^\s\"'<>()\[\]{},;|])++")
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,100}>")
# What groups digits: blanks, dots, brackets, slashes, hyphens, dashes, and marks that are not seen. Not the comma and
# the colon, which stand in counts and in times.
_GROUPING = (
    r"[ \t.()/_~*\-\u00a0\u00ad\u00b7\u1680\u2000-\u2015\u2022\u202a-\u202f\u2043\u2044\u205f-\u206f\u2212\u3000"
    r"\ufe58\ufe63\uff0d\ufe0f\ufeff]{0,3}+"
)
# Nine digits and more, however grouped, or five behind a plus: shorter runs are counts, codes and limits.
# Possessive: without it each possible step back is kept in memory, 150 MiB for a megabyte of digits.
_NUMBER = re.compile(rf"\+\d(?:{_GROUPING}\d){{4,}}+|\d(?:{_GROUPING}\d){{8,}}+")
# Digits with no letter and no at sign between them: a number on both sides of one is an address.
_DIGITS = re.compile(r"\d(?:(?:(?!@)[\W_]){0,4}+\d)*+")
# A time, and an id of the usual form, are the long runs of digits that help the reader.
_TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?!\d)"
_UUID = r"(?<![\w+-])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w-])"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class SentNumbers(Protocol):
    """The numbers that were sent in a call."""

    def among(self, whole: AbstractSet[str], ends: AbstractSet[str]) -> tuple[set[str], set[str]]:
        """
        Return which of these were sent, as numbers and as ends of numbers.

        :param whole: digits that may be a number
        :param ends: digits that may be the end of a number, its country left out
        """
        ...


def redact(
    text: str,
    *,
    secrets: Iterable[str] = (),
    sent: SentNumbers | None = None,
    keep: Iterable[str] = (),
    limit: int = 300,
) -> str:
    """
    Return ``text`` on one line without phone numbers, e-mail addresses, secrets and the queries of URLs.

    What is written as HTML, JSON or a URL writes it is read first.

    :param text: anything that was received
    :param secrets: strings to hide wherever they occur, also in part and in another case (the API key)
    :param sent: the numbers that were sent, to compare with
    :param keep: ids to leave as they are although they may look like a number; not if they were sent
    :param limit: characters to keep at the most
    """
    shortened = len(text) > LONGEST
    if shortened:
        text = text[: LONGEST - _EDGE]
    secrets = [secret for secret in secrets if secret]
    text = _plain(_without_whole(secrets, text))[:LONGEST]
    text = _without_parts(secrets, _without_whole(secrets, text), digits=False)
    text = _SIGNED.sub(r"\1***", _QUERY.sub("?***", _URL_QUERY.sub(r"\1***", text)))
    # The numbers before the addresses: "+1 212 555 0123@..." would keep all but the digits beside the at sign.
    if sent is not None:
        text = _without_sent(text, sent)
    text = _without_addresses(text)
    text = _without_numbers(text, keep, secrets).strip()
    return text if len(text) <= limit and not shortened else text[:limit] + "…"


def without_query(url: str) -> str:
    """Return ``url`` up to its query, without credentials: the part that may be shown."""
    shown = url.split("?", 1)[0].split("#", 1)[0]
    return re.sub(r"//[^/]*@", "//", shown)


def digits_of(text: str) -> str:
    """Return the digits of a text as ASCII, in whichever script they are written."""
    return "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())


def _plain(text: str) -> str:
    """Return the text with its escapes read, its tags gone and on one line; three layers of escapes at the most."""
    for _ in range(3):
        text = before = _URL_QUERY.sub(r"\1***", text)
        text = _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)
        text = unquote(html.unescape(text), errors="replace")
        if text == before:
            break
    # UTF-16 read as UTF-8 has a NUL behind each character, which would hide a number or a key.
    return _TAG.sub(" ", unicodedata.normalize("NFKC", _CONTROL.sub(" ", text.replace("\0", ""))))


def _without_whole(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        for spelling in _spellings(secret):
            text = text.replace(spelling, "***")
    return text


def _spellings(secret: str) -> Iterator[str]:
    """Return a secret as it is, and as JSON, Python, HTML and URLs write it; the longest first."""
    spellings = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret), quote(secret, safe="")}
    return (spelling for spelling in sorted(spellings, key=len, reverse=True) if spelling)


def _without_parts(secrets: Iterable[str], text: str, *, digits: bool) -> str:
    """Hide what secrets and the text have in common, in any case; ``digits`` says whether also digits alone."""
    for secret in secrets:
        folded, length = secret.translate(_LOWER), min(_PART, len(secret))
        parts = {folded[start : start + length] for start in range(len(folded) - length + 1)}
        parts = {part for part in parts if digits or not part.isdigit()}
        lower = text.translate(_LOWER)
        found = (at for at in range(len(lower) - length + 1) if lower[at : at + length] in parts)
        text = _hide(text, ((at, at + length) for at in found), "***")
    return text


def _without_addresses(text: str) -> str:
    """Hide words with an at sign in them, and the words beside one that stands alone."""
    words = list(_WORD.finditer(text))
    spans: list[tuple[int, int]] = []
    for place, word in enumerate(words):
        if "@" not in word[0]:
            continue
        first, last = place, place
        if word[0].startswith("@") and place:
            first -= 1
        if word[0].endswith("@") and place + 1 < len(words):
            last += 1
        if len(words[last][0]) > 1 or len(words[first][0]) > 1:
            spans.append((words[first].start(), words[last].end()))
    return _hide(text, spans, "[address removed]")


def _without_sent(text: str, sent: SentNumbers) -> str:
    """Hide what was sent, however it is grouped: whole numbers, and their ends where these stand by themselves."""
    whole: dict[str, list[tuple[int, int]]] = {}
    ends: dict[str, list[tuple[int, int]]] = {}
    for run in _DIGITS.finditer(text):
        at = [place for place in range(run.start(), run.end()) if text[place].isdecimal()]
        digits = digits_of(run[0])
        for first in range(len(digits) - _LEAST_DIGITS + 1):
            stands_alone = not first or at[first - 1] + 1 < at[first]
            start = at[first] - (text[at[first] - 1 : at[first]] == "+")
            for after in range(first + _LEAST_DIGITS, min(first + _MOST_DIGITS, len(digits)) + 1):
                span = (start, at[after - 1] + 1)
                whole.setdefault(digits[first:after], []).append(span)
                if stands_alone and (after == len(digits) or at[after - 1] + 1 < at[after]):
                    ends.setdefault(digits[first:after], []).append(span)
    if not whole:
        return text
    found, found_ends = sent.among(whole.keys(), ends.keys())
    spans = [span for digits in found for span in whole[digits]]
    spans += [span for digits in found_ends for span in ends[digits]]
    return _hide(text, sorted(spans), "[number removed]")


def _without_numbers(text: str, keep: Iterable[str], secrets: Iterable[str]) -> str:
    """Hide what looks like a number, and then digits of a secret: a number that has these digits too is one mark."""
    # Only what would be hidden: the digits of a short id may be in the middle of a number.
    ids = [rf"(?<![\w+]){re.escape(one)}(?!\w)" for one in keep if _NUMBER.search(one)]
    kept = re.compile("|".join([_TIMESTAMP, _UUID, *ids]))
    shown, at = [], 0
    for match in [*kept.finditer(text), None]:
        piece = _NUMBER.sub("[number removed]", text[at : match.start() if match else None])
        shown.append(_without_parts(secrets, piece, digits=True))
        if match:
            shown.append(match[0])
            at = match.end()
    return "".join(shown)


def _hide(text: str, spans: Iterable[tuple[int, int]], instead: str) -> str:
    """Replace spans, given in order of their beginnings; those that touch or overlap together."""
    shown, at = [], 0
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last is not None and start <= last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last is not None:
            shown += [text[at : last[0]], instead]
            at = last[1]
        last = (start, end)
    if last is not None:
        shown += [text[at : last[0]], instead]
        at = last[1]
    return "".join([*shown, text[at:]])
