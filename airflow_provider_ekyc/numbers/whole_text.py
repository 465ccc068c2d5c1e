"""Whether a number, as it is written, has lost a digit: half a pair of brackets, a hyphen or dot at its end."""

from __future__ import annotations

import re
from typing import Final

# Brackets in pairs, with a digit between, and no hyphen or dot at the end: one alone stands where a digit was.
_WHOLE: Final = re.compile(
    r"(?:[^()\[\]]|\([^()\[\]\d]*+\d[^()\[\]]*+\)|\[[^()\[\]\d]*+\d[^()\[\]]*+\])*+(?<![.\-\u2010-\u2015\u2212])"
)


def is_whole(text: str) -> bool:
    """
    Return whether each bracket is one of a pair around digits, and the text ends with something else than a separator.

    :param text: a number as it is written, without what is around it
    """
    return _WHOLE.fullmatch(text) is not None
