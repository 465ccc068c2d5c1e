"""
The forms in which a result writes a phone number, and which of them mean one number for certain.

A number is what can be sent: 2 to 15 digits, the first not 0 (ITU-T E.164), with or without ``+``. Spreadsheets,
databases and people write the same number otherwise. Where only one number can be meant it is read; where digits are
lost, or several numbers are possible, nothing is guessed, and the row is counted by the reason.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks
from airflow_provider_ekyc.numbers.whole_text import is_whole

#: Why a number can't be read, in the words of a message.
SCIENTIFIC: Final = "in scientific notation"
LEADING_ZERO: Final = "with a leading zero"  # a national number, of a country that is not named
TOO_FEW: Final = "with too few digits"
TOO_MANY: Final = "with too many digits"
ADDRESS: Final = "that are e-mail addresses"  # what task types such as amazon_email verify
OTHER_TEXT: Final = "with other text"

#: The other forms of a number that are read.
PREFIX_00: Final = "prefix 00"
TEXT_MARK: Final = "text mark of a spreadsheet"
SEPARATORS: Final = "blanks, hyphens or brackets"
INVISIBLE: Final = "invisible marks"
DECIMAL: Final = "a decimal of 0"
OTHER_DIGITS: Final = "digits of another script"
SCHEME: Final = "tel:"

_PLAIN: Final = re.compile(r"\+?([1-9][0-9]{1,14})")
# What spreadsheets and databases make of all numbers of a table: a tenth of the time of looking at each by itself.
_FREQUENT: Final = re.compile(r"""00([1-9][0-9]{1,14})|'\+?([1-9][0-9]{1,14})|="\+?([1-9][0-9]{1,14})\"""")
_LONGEST: Final = 64  # characters; 15 digits with a separator and a mark at each take 45
_FORMULA: Final = re.compile(r"""=?\s*(["'])(.*)\1""")  # ="+1202..." keeps a spreadsheet from making a number of it
_APOSTROPHES: Final = "'\u2018\u2019`"  # the first of a cell says "this is text"
_TEL: Final = re.compile(r"(?i)tel:")  # RFC 3966
_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"(\+?[0-9]{5,})[.,]0{1,2}")  # numbers of a column with blanks, as pandas writes them
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_TRUNK_ZERO: Final = re.compile(r".*[0-9].*[(\[]\s*0\s*[)\]].*")  # +44 (0)20: dropped in most countries, kept in Italy
_SEPARATOR: Final = re.compile(r"[\s\-\u2010-\u2015\u2212()\[\]]")
_GROUPED: Final = re.compile(r"[^.]*(?:\.[^.]+){2,}")  # one dot alone may be a decimal point


def read_number(cell: str) -> tuple[str | None, str]:
    """
    Read a number.

    :param cell: as the table has it, without the quotes of CSV
    :return: its digits, or None if it is not certain which they are; and one of this module's words for what was
        repaired, or for why it can't be read, ``""`` if it is written as documented
    """
    if match := _PLAIN.fullmatch(cell):
        return match[1], ""
    if match := _FREQUENT.fullmatch(cell):
        return match[match.lastindex or 0], PREFIX_00 if match[1] else TEXT_MARK
    text = trimmed(cell)
    if len(text) > _LONGEST:
        return None, TOO_MANY if text.isdecimal() else OTHER_TEXT
    if _ADDRESS.fullmatch(text):
        return None, ADDRESS
    bare = without_marks(text)
    text, how = _unwrapped(bare, INVISIBLE if len(bare) < len(cell.strip()) else "")
    if _SCIENTIFIC.fullmatch(text):
        return None, SCIENTIFIC
    if _TRUNK_ZERO.fullmatch(text):
        return None, LEADING_ZERO
    if not is_whole(text):
        return None, OTHER_TEXT
    if match := _DECIMAL.fullmatch(text):
        text, how = match[1], how or DECIMAL
    elif text[:1] != "-":
        bare = _SEPARATOR.sub("", text.replace(".", "") if _GROUPED.fullmatch(text) else text)
        text, how = bare, how or (SEPARATORS if bare != text else "")
    digits = text.removeprefix("+").removeprefix("\uff0b")
    if not digits.isdecimal():
        return None, OTHER_TEXT
    if not digits.isascii():
        digits, how = "".join(str(unicodedata.decimal(digit)) for digit in digits), how or OTHER_DIGITS
    if digits.startswith("00"):
        # A country code never begins with 0, so two of them are the prefix of an international call, or padding:
        # either way the number follows.
        digits, how = digits[2:], how or PREFIX_00
    return _checked(digits, how or SEPARATORS)


def _unwrapped(text: str, how: str) -> tuple[str, str]:
    """Remove what is around a number and is no part of it; return its name, too."""
    if match := _FORMULA.fullmatch(text):
        text, how = match[2], TEXT_MARK
    if text[:1] and text[0] in _APOSTROPHES:
        text, how = text[1:], TEXT_MARK
    text = trimmed(text)
    if match := _TEL.match(text):
        text, how = text[match.end() :], SCHEME
    return trimmed(text), how


def _checked(digits: str, how: str) -> tuple[str | None, str]:
    if digits.startswith("0"):
        return None, LEADING_ZERO
    if len(digits) < 2:
        return None, TOO_FEW
    return (digits, how) if len(digits) <= 15 else (None, TOO_MANY)
