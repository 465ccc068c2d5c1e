"""What an answer means: the words that are read as yes or as no; all others are unknown, and counted by word."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal

from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks
from airflow_provider_ekyc.redaction import redact

#: Yes, no, and why the words can mean nothing else.
#:
#: Not here, as each has a second meaning: ``s``, ``t`` and ``f`` (initials of several words); ``ok``, ``done`` and
#: ``success`` (the check worked); ``valid`` and ``invalid`` (the form of the number); ``found`` and ``not found``
#: (the number, or its account); ``deactivated``, ``disabled``, ``blocked`` and ``banned`` (an account that there
#: was, or is); ``none``, ``null``, ``n/a`` and a dash (no answer); every number but 1 and 0.
SYNONYMS: Final = (
    (("yes", "y"), ("no", "n"), "the words of the API page, and their initials"),
    (("sí", "si"), (), "the Spanish API page, with and without its accent; its no is the same word"),
    (("true",), ("false",), "a boolean as JSON, Python and spreadsheets write it"),
    (("verdadero",), ("falso",), "the same in a Spanish spreadsheet"),
    (("1", "1.0"), ("0", "0.0"), "a boolean of a database; with a point where a blank cell made numbers of it"),
    (("active",), ("inactive", "not active"), "whether the account is in use"),
    (("activated",), ("not activated", "unactivated", "inactivated"), "the vendor's own column and list of this name"),
    (("registered",), ("unregistered", "not registered"), "the vendor's own list of this name"),
    (("activo",), ("inactivo", "no activo"), "the same in Spanish"),
    (("activado",), ("no activado",), "the same in Spanish"),
    (("registrado",), ("no registrado",), "the same in Spanish"),
)

Meaning = Literal["yes", "no", "unknown"]

_MEANINGS: Final[dict[str, Meaning]] = {
    **{word: "yes" for row in SYNONYMS for word in row[0]},
    **{word: "no" for row in SYNONYMS for word in row[1]},
}
_BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")  # "not_activated" and "not-activated" are "not activated"
_LONGEST: Final = 64  # characters of a word that is looked up, with all its blanks

#: Different unknown words that are counted by themselves; the rest are counted together.
WORDS_COUNTED: Final = 100
_WORDS_SHOWN: Final = 5
_WORD_SHOWN: Final = 24  # characters
_DIGITS_SHOWN: Final = 3  # a code such as 404; more digits may be a part of a phone number


def meaning(answer: str) -> Meaning:
    """Return ``yes``, ``no`` or ``unknown``; case, and blanks and invisible marks around the word, do not matter."""
    word = trimmed(answer) if len(answer) <= _LONGEST else trimmed(answer)[: _LONGEST + 1]
    word = unicodedata.normalize("NFC", without_marks(word)).lower()
    return _MEANINGS.get(_BETWEEN_WORDS.sub(" ", word), "unknown")


class UnknownWords:
    """
    Counts the answers that are neither yes nor no by their word.

    Memory is bounded: so many different words are kept, each cut; the rest is counted together.
    """

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._others = 0

    def add_rows(self, answers: Mapping[str, int]) -> None:
        """
        Count answers.

        :param answers: unknown ones, and in how many rows each is
        """
        for answer, count in answers.items():
            word = answer[: 4 * _WORD_SHOWN]
            if word in self._words or len(self._words) < WORDS_COUNTED:
                self._words[word] += count
            else:
                self._others += count

    def shown(self) -> str:
        """Return the most frequent words with their counts, safe to show; ``""`` if there is none."""
        shown: Counter[str] = Counter()
        for word, count in self._words.items():
            shown[_safe(word)] += count
        named = shown.most_common(_WORDS_SHOWN)
        rest = shown.total() + self._others - sum(count for _, count in named)
        parts = [f"{word} {count:,}" for word, count in named]
        return ", ".join([*parts, f"others {rest:,}"] if rest else parts)


def _safe(word: str) -> str:
    """Quote a word as it may be shown: cut, and never a number or an address."""
    if not trimmed(word):
        return "blank"
    if sum(character.isdigit() for character in word) > _DIGITS_SHOWN or "@" in word:
        return "[removed]"
    text = redact(without_marks(word), limit=_WORD_SHOWN)
    return f'"{text}"'
