"""Characters that are not seen: blanks of all kinds, and marks that only guide how a text is shown."""

from __future__ import annotations

from typing import Final

# Unicode's format characters (category Cf) that are seen in tables, and the two variation selectors: soft hyphen,
# Arabic letter mark, zero-width space and joiners, direction marks and isolates, word joiner, byte order mark.
_MARKS: Final = (
    0x00AD,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFE0E,
    0xFE0F,
    0xFEFF,
)
_REMOVED: Final = dict.fromkeys(_MARKS)
# All of these are blanks to str.isspace(): the no-break space, the narrow one, the ideographic one among them.
_BLANKS: Final = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
_AROUND: Final = "".join([_BLANKS, *map(chr, (*range(0x2000, 0x200B), *_MARKS))])


def trimmed(text: str) -> str:
    """Return ``text`` without the blanks and marks around it."""
    return text.strip(_AROUND)


def without_marks(text: str) -> str:
    """Return ``text`` without marks; its blanks stay."""
    return text if text.isascii() else text.translate(_REMOVED)
