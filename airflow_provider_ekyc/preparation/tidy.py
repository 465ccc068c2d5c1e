"""
Read one row of a list: the number that it means, or why it means none for certain. Pure.

Without ``normalise`` a row is what ``EkycSubmitOperator`` accepts. With it, what only one number can be meant by is
read; nothing is guessed. ``docs/prepare.md`` has each rule with an example.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from enum import StrEnum
from typing import Final

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks
from airflow_provider_ekyc.numbers.lines import MAX_LINE_BYTES
from airflow_provider_ekyc.numbers.whole_text import is_whole
from airflow_provider_ekyc.preparation.national import NationalNumbers
from airflow_provider_ekyc.preparation.sources.cells import UNREADABLE_ROW


class Reject(StrEnum):
    """Why a row is no number, in the word of the report, which stays the same in later releases."""

    NOT_E164 = "not E.164"  #: another form of a number, which ``normalise=True`` may read
    NOT_UTF8 = "not UTF-8"  #: bytes that are no text in the list's encoding
    TOO_LONG = "too long"  #: more than 1,024 bytes
    OTHER_COLUMNS = "another number of columns"  #: a row of a table that has more or fewer cells than the others
    SCIENTIFIC = "scientific notation"  #: digits are lost: a spreadsheet has written ``1.20255E+10``
    DECIMAL = "decimal"  #: ``12025550100.0``, or another number with a decimal point
    FORMULA = "formula"  #: a cell of a spreadsheet without a stored value
    EMAIL = "e-mail address"
    EXTENSION = "extension"  #: ``ext. 5`` after the number, which can't be sent
    SEVERAL = "several numbers"  #: or what may be several: digits on both sides of ``,`` ``;`` ``/`` ``|`` or a break
    TRUNK_ZERO = "trunk zero"  #: ``+44 (0)20``: dropped in most countries, kept in others
    LEADING_ZERO = "leading zero"  #: ``+0``: no country code begins with 0
    NO_COUNTRY = "no country code"  #: digits without ``+`` or ``00``, and no ``default_region``
    TOO_FEW = "too few digits"
    TOO_MANY = "too many digits"
    AMBIGUOUS = "ambiguous"  #: valid as a national number and as an international one
    NOT_VALID = "not valid"  #: no valid number of ``default_region``, nor with a country code
    TEXT = "other text"  #: also half a pair of brackets, or a separator at the end: a digit may be lost


#: What was changed, in the words of the report.
BLANKS_AROUND: Final = "blanks around"
BLANKS: Final = "blanks"
SEPARATORS: Final = "separators"
BRACKETS: Final = "brackets"
APOSTROPHE: Final = "apostrophe"
QUOTES: Final = "quotes"
SCHEME: Final = "tel:"
PREFIX_00: Final = "leading 00"
INVISIBLE: Final = "invisible marks"
FULL_WIDTH: Final = "full-width characters"
OTHER_DIGITS: Final = "digits of another script"
NATIONAL: Final = "national number"

_PLAIN: Final = re.compile(rb"[ \t]*\+([1-9][0-9]{1,14})[ \t]*")
# What most lists have: digits with blanks, hyphens and brackets, none of which can mean anything else.
_FREQUENT: Final = re.compile(rb"[ \t]*([(\[]?\+?[0-9(\[][0-9 \-()\[\]]*)")
#: U+FF01 to U+FF5E are ASCII's characters as wide as ideographs.
_FROM_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_BREAKS: Final = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
_QUOTED: Final = re.compile(r"""=?\s*(["'])(.*)\1""")  # ="+1202..." keeps a spreadsheet from making a number of it
_APOSTROPHES: Final = "'\u2018\u2019`\u00b4"  # the first of a cell says "this is text"
_TEL: Final = re.compile(r"tel:\s*", re.IGNORECASE)  # RFC 3966
_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+[.,][0-9]+")
_COUNTRY_DOT: Final = re.compile(r"\+[1-9][0-9]{0,2}\.[0-9]{4,}")  # RFC 5733: +1.2025550100
_ZEROS_ONLY: Final = re.compile(r"\+?[0-9]{5,}[.,]0+")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
# Possessive ("*+"), so that the time for a line grows no faster than its length.
_EXTENSION: Final = re.compile(
    r"[^a-z#;0-9]*+[0-9][^a-z#;]*+(?:;\s*ext(?:\.|=)?|ext(?:ensio)?n?\.?|x|#)[:=.\s]*[0-9]+\W*", re.IGNORECASE
)
_SEVERAL: Final = re.compile(r"[^0-9]*+[0-9][^,;/|&\\+]*+[,;/|&\\+].*[0-9]")
_BRACKETED_ZERO: Final = re.compile(r"[^0-9]*+[0-9].*[(\[]\s*0\s*[)\]]")
_DASHES: Final = r"\-\u2010-\u2015\u2212"
_BLANK: Final = re.compile(r"\s")
_POINT_OR_DASH: Final = re.compile(rf"[.{_DASHES}]")
_BRACKET: Final = re.compile(r"[()\[\]]")
_BEGINS_WITH_DASH: Final = re.compile(rf"[{_DASHES}.]")
_DIGITS: Final = re.compile(r"(\+?)([0-9]+)")

_MOST_DIGITS: Final = 15  # ITU-T E.164
#: Country codes of one and two digits (ITU-T E.164.D); all others have three.
_SHORT_CODES: Final = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
#: Country codes whose fixed or mobile numbers may begin with 0 (libphonenumber's metadata, checked by a test).
ZERO_AFTER_CODE: Final = frozenset({"39", "225", "226", "229", "241", "242", "250", "378", "881", "992"})


class Tidier:
    """
    Reads rows, and counts what it has changed.

    :param normalise: whether to read other forms of a number than E.164
    :param default_region: two letters of ISO 3166 (``US``): the country of numbers without a country code; None
        rejects them
    :raises EkycSettingsError: if the region is unknown, is given without ``normalise``, or the extra ``phonenumbers``
        is not installed
    """

    def __init__(self, normalise: bool, default_region: str | None) -> None:
        if default_region is not None and not normalise:
            raise EkycSettingsError(
                "default_region has no effect without normalise=True. No request was sent. Set normalise=True, or "
                "leave default_region out."
            )
        self._normalise = normalise
        self._national = None if default_region is None else NationalNumbers(default_region)
        #: How many of the accepted rows were changed, by kind; a row counts once for each kind.
        self.changes: Counter[str] = Counter()

    def read(self, line: bytes) -> int | Reject | None:
        r"""
        Read one row.

        :param line: without its ``\n``
        :return: the number as an integer, why it is none, or None if it is blank
        """
        if len(line) > MAX_LINE_BYTES:
            return Reject.TOO_LONG
        if match := _PLAIN.fullmatch(line):
            if len(line) > len(match[1]) + 1:
                self.changes[BLANKS_AROUND] += 1
            return int(match[1])
        if not line.strip(b" \t"):
            return None
        kinds: list[str] = []
        if _FREQUENT.fullmatch(line):
            found: int | Reject | None = self._read_frequent(line, kinds)
        else:
            try:
                text = line.decode()
            except UnicodeDecodeError:
                return Reject.NOT_UTF8
            found = self._read_text(text, kinds)
        if not self._normalise:
            return found if isinstance(found, Reject) else Reject.NOT_E164
        if isinstance(found, int):
            for kind in kinds:
                self.changes[kind] += 1
        return found

    def _read_frequent(self, line: bytes, kinds: list[str]) -> int | Reject:
        """Read what ``_FREQUENT`` matches as :meth:`_read_text` does, in a third of its time."""
        text = line.strip(b" \t")
        if len(text) < len(line):
            kinds.append(BLANKS_AROUND)
        if b" " in text:
            kinds.append(BLANKS)
        if b"-" in text:
            kinds.append(SEPARATORS)
        if b"(" in text or b"[" in text or b")" in text or b"]" in text:
            bracketed = text.decode()
            if _BRACKETED_ZERO.match(bracketed):
                return Reject.TRUNK_ZERO
            if not is_whole(bracketed):
                return Reject.TEXT
            kinds.append(BRACKETS)
        elif text.endswith(b"-"):
            return Reject.TEXT
        digits = text.translate(None, b" -()[]").decode()
        has_plus = digits[:1] == "+"
        digits = digits.removeprefix("+")
        return self._read_digits(digits, kinds, has_plus=has_plus) if digits else Reject.TEXT

    def _read_text(self, text: str, kinds: list[str]) -> int | Reject | None:
        if text.startswith(UNREADABLE_ROW):
            return Reject.OTHER_COLUMNS
        text = trimmed(_as_ascii(text, kinds))
        if not text:
            return None
        text = _unwrapped(text, kinds)
        reason = _reason_against(text)
        if reason is not None:
            return reason
        bare = text
        for kind, pattern in ((BLANKS, _BLANK), (SEPARATORS, _POINT_OR_DASH), (BRACKETS, _BRACKET)):
            shorter = pattern.sub("", bare)
            if shorter != bare:
                kinds.append(kind)
                bare = shorter
        match = _DIGITS.fullmatch(bare)
        if match is None or _BEGINS_WITH_DASH.match(text) or not is_whole(text):
            return Reject.TEXT
        return self._read_digits(match[2], kinds, has_plus=bool(match[1]))

    def _read_digits(self, digits: str, kinds: list[str], *, has_plus: bool) -> int | Reject:
        if has_plus:
            return _international(digits)
        if digits.startswith("00"):
            kinds.append(PREFIX_00)
            if self._national is None:
                return _after_00(digits[2:])
        elif self._national is None:
            return Reject.TOO_MANY if len(digits) > _MOST_DIGITS else Reject.NO_COUNTRY
        else:
            kinds.append(NATIONAL)
        readings = self._national.readings(digits)
        if len(readings) == 1:
            number = readings.pop()
            # libphonenumber has plans with numbers that are longer than E.164 allows, such as Germany's.
            return number if number < 10**_MOST_DIGITS else Reject.TOO_MANY
        return Reject.AMBIGUOUS if readings else Reject.NOT_VALID


def _as_ascii(text: str, kinds: list[str]) -> str:
    """Return the text without invisible marks, with ASCII's digits and characters for those of other scripts."""
    if len(text.strip()) < len(text):
        kinds.append(BLANKS_AROUND)
    if text.isascii():
        return text
    for kind, changed in (
        (INVISIBLE, without_marks),
        (FULL_WIDTH, lambda old: old.translate(_FROM_FULL_WIDTH)),
        (OTHER_DIGITS, _with_ascii_digits),
    ):
        new = changed(text)
        if new != text:
            kinds.append(kind)
            text = new
    return text


def _with_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def _unwrapped(text: str, kinds: list[str]) -> str:
    """Remove what is around a number and is no part of it."""
    if match := _QUOTED.fullmatch(text):
        text = trimmed(match[2])
        kinds.append(QUOTES)
    if text[:1] and text[0] in _APOSTROPHES:
        text = trimmed(text[1:])
        kinds.append(APOSTROPHE)
    if match := _TEL.match(text):
        text = text[match.end() :]
        kinds.append(SCHEME)
    return text


def _reason_against(text: str) -> Reject | None:
    """Return why a text is no number for certain, as far as it shows before its digits are read."""
    if not text:
        return Reject.TEXT
    if _SCIENTIFIC.fullmatch(text):
        return Reject.SCIENTIFIC
    if _DECIMAL.fullmatch(text) and (_ZEROS_ONLY.fullmatch(text) or not _COUNTRY_DOT.fullmatch(text)):
        return Reject.DECIMAL
    if text[0] == "=":
        return Reject.FORMULA
    if _EMAIL.fullmatch(text):
        return Reject.EMAIL
    if _EXTENSION.fullmatch(text):
        return Reject.EXTENSION
    if _BREAKS.search(text) or _SEVERAL.match(text):
        return Reject.SEVERAL
    return Reject.TRUNK_ZERO if _BRACKETED_ZERO.match(text) else None


def _international(digits: str) -> int | Reject:
    """Read digits after a plus."""
    if digits[0] == "0":
        return Reject.LEADING_ZERO
    if not 2 <= len(digits) <= _MOST_DIGITS:
        return Reject.TOO_FEW if len(digits) < 2 else Reject.TOO_MANY
    short = _SHORT_CODES.match(digits)
    code = short[0] if short else digits[:3]
    if digits[len(code) :].startswith("0") and code not in ZERO_AFTER_CODE:
        return Reject.TRUNK_ZERO
    return int(digits)


def _after_00(digits: str) -> int | Reject:
    """Read digits after 00, the prefix of an international call in most countries."""
    if not digits:
        return Reject.TOO_FEW
    # Australia dials 0011: no number of North America continues its code 1 with a 1.
    return Reject.AMBIGUOUS if digits.startswith("11") else _international(digits)
