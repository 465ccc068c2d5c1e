"""What the sandbox answers for a number: a fixed rule, so that a test can say what to expect."""

from __future__ import annotations

from typing import Literal
from zlib import crc32

Answer = Literal["yes", "no", "undetermined"]

YES_PERCENT = 40
"""Share of numbers that have an account, in percent."""


def answer_for_digits(digits: bytes, undetermined_percent: int = 0) -> Answer:
    """The rule itself, on the digits of a number.

    ``c = crc32(digits)``; ``undetermined`` if ``(c // 100) % 100 < undetermined_percent``, else ``yes`` if
    ``c % 100 < 40``, else ``no``. CRC-32 is the one of zip and gzip, so that any language can repeat it.

    :param digits: ASCII digits without the plus sign.
    :param undetermined_percent: as in the settings of the sandbox, 0 to 100.
    """
    checksum = crc32(digits)
    if undetermined_percent and checksum // 100 % 100 < undetermined_percent:
        return "undetermined"
    return "yes" if checksum % 100 < YES_PERCENT else "no"


def expected_answer(number: str, *, undetermined_percent: int = 0) -> Answer:
    """What a sandbox will answer for this number, in any task of any type.

    :param number: E.164, with or without the plus sign.
    :param undetermined_percent: as in the settings of the sandbox; 0, its default, never gives
        ``undetermined``.
    """
    return answer_for_digits(number.removeprefix("+").encode("ascii"), undetermined_percent)
