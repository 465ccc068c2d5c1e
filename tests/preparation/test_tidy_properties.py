"""Whatever a row is, it is a valid number, a reject or blank: as a slow, obvious implementation finds it."""

from __future__ import annotations

import random
import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.preparation.sources.cells import cell_lines
from airflow_provider_ekyc.preparation.tidy import ZERO_AFTER_CODE, Reject, Tidier

#: Pieces that rows are put together from: all that tidying treats in a way of its own.
PIECES = [
    *(
        "+",
        "+",
        "00",
        "0",
        "(0)",
        "[0]",
        "+999",
        "+1",
        "+44 ",
        "+39",
        "1",
        "49",
        "12025550100",
        "2025550100",
        "5",
        "0100",
    ),
    *(" ", "  ", "\t", "\u00a0", "\u3000", "\u200b", "\u200e", "\ufeff", "\u00ad", "-", "\u2010", "\u2212", ".", ","),
    *("(", ")", "[", "]", "'", "\u2019", '"', '="', "=", "tel:", "TEL: ", "E+10", "e5", ".0", ",00", ".5", "@", "a.b"),
    *(
        "x",
        "ext. ",
        "extension",
        ";ext=",
        "#",
        ";",
        "/",
        "|",
        "&",
        "\u2028",
        "\n",
        "\r\n",
        "\x0b",
        "\x1a",
        "\x1f",
        "n/a",
    ),
    *("\uff0b", "\uff11\uff12", "\uff08", "\u0661\u0662", "\u00b2", "\u00e9", "\u00df", "_", "\\", "*"),
]
MARKS = "\u200b\u200e\ufeff\u00ad"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
SHORT_CODES = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE if code < 100}


def obvious(row: str) -> int | str | None:
    """Return what a row means, one rule after the other: a number, a reason, or None."""
    if len(row.encode()) > 1024:
        return "too long"
    plain = row.strip(" \t")
    if not plain:
        return None
    if plain[0] == "+" and plain[1:].isascii() and plain[1:].isdigit() and plain[1] != "0" and 3 <= len(plain) <= 16:
        return int(plain[1:])
    if row[0] == "\x1a":
        return "another number of columns"
    text = ""
    for one in row:
        if one in MARKS:
            continue
        wide = 0xFF01 <= ord(one) <= 0xFF5E
        text += chr(ord(one) - 0xFEE0) if wide else str(unicodedata.decimal(one)) if one.isdecimal() else one
    text = text.strip()
    if not text:
        return None
    text = inside(text)
    if text[:1] in ("'", "\u2019"):
        text = text[1:].strip()
    if text.lower().startswith("tel:"):
        text = text[4:].lstrip()
    return read_bare(text) if text else "other text"


def inside(text: str) -> str:
    """Return what is between quotes."""
    quoted = text.removeprefix("=").lstrip()
    if len(quoted) >= 2 and quoted[0] == quoted[-1] and quoted[0] in "\"'" and not re.search(r"[\n]", quoted):
        return quoted[1:-1].strip()
    return text


def read_bare(text: str) -> int | str:
    """Return what a text means that has nothing around it."""
    reason = reason_against(text)
    if reason:
        return reason
    if text[0] in DASHES + "." or text[-1] in DASHES + "." or not has_pairs(text):
        return "other text"
    bare = "".join(one for one in text if not one.isspace() and one not in f"{DASHES}.()[]")
    digits = bare.removeprefix("+")
    if not digits or not digits.isdigit() or not digits.isascii():
        return "other text"
    if bare == digits and not digits.startswith("00"):
        return "too many digits" if len(digits) > 15 else "no country code"
    if bare == digits:
        digits = digits[2:]
        if digits.startswith("11"):
            return "ambiguous"
        if not digits:
            return "too few digits"
    if digits[0] == "0":
        return "leading zero"
    if len(digits) < 2:
        return "too few digits"
    if len(digits) > 15:
        return "too many digits"
    code = next((digits[:length] for length in (1, 2) if digits[:length] in SHORT_CODES), digits[:3])
    if digits[len(code) : len(code) + 1] == "0" and code not in ZERO_AFTER_CODE:
        return "trunk zero"
    return int(digits)


def has_pairs(text: str) -> bool:
    """Return whether each bracket is one of a pair, of one kind, around a digit and no other bracket."""
    opened, place = "", 0
    for here, one in enumerate(text):
        if (one in "([" and opened) or (one in ")]" and f"{opened}{one}" not in ("()", "[]")):
            return False
        if one in "([":
            opened, place = one, here
        elif one in ")]":
            if not any(map(is_number, text[place:here])):
                return False
            opened = ""
    return not opened


def reason_against(text: str) -> str:
    """Return why a text is no number before its digits are read."""
    unsigned = text[1:] if text[0] in "+-" else text
    whole, point, rest = unsigned.replace(",", ".").partition(".")
    mantissa, letter, exponent = unsigned.lower().partition("e")
    exponent = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    before, _, after = mantissa.replace(",", ".").partition(".")
    if letter and is_number(before) and (is_number(after) or not after) and is_number(exponent):
        return "scientific notation"
    if point and is_number(whole) and is_number(rest):
        is_code = text[0] == "+" and "." in text and len(whole) <= 3 and whole[0] != "0" and len(rest) >= 4
        if not is_code:
            return "decimal"
    if text[0] == "=":
        return "formula"
    name, _, domain = text.partition("@")
    dots = [place for place, one in enumerate(domain) if one == "."]
    is_around = any(domain[:place] and domain[place + 1 :] for place in dots)
    if name and is_around and "@" not in domain and not re.search(r"\s", text):
        return "e-mail address"
    if has_extension(text.lower()):
        return "extension"
    places = [place for place, one in enumerate(text) if is_number(one)]
    if any(one in "\n\r\x0b\x0c\x85\u2028\u2029" for one in text):
        return "several numbers"
    if places and any(one in ",;/|&\\+" for one in text[places[0] : places[-1]]):
        return "several numbers"
    for left, right in ("()", "[]", "(]", "[)"):
        for start in (place for place, one in enumerate(text) if one == left):
            end = text.find(right, start)
            if end > 0 and text[start + 1 : end].strip() == "0" and any(map(is_number, text[:start])):
                return "trunk zero"
    return ""


def has_extension(text: str) -> bool:
    """Return whether a number is followed by a word for an extension, and its digits."""
    border = next((place for place, one in enumerate(text) if one in "#;" or "a" <= one <= "z"), len(text))
    if not any(map(is_number, text[:border])):
        return False
    rest = text[border:]
    if rest.startswith(";"):
        rest = rest[1:].lstrip()
        if not rest.startswith("ext"):
            return False
    word = next((word for word in ("extension", "extensio", "extn", "ext", "x", "#") if rest.startswith(word)), "")
    rest = rest[len(word) :].lstrip(":=. \t\n\r\x0b\x0c\x1f\x85\u00a0\u2028\u3000")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return bool(word and digits) and not any(one.isalnum() or one == "_" for one in rest[digits:])


def is_number(text: str) -> bool:
    return bool(text) and all(one in "0123456789" for one in text)


def line_of(row: str) -> bytes:
    return cell_lines([row])[:-1]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_a_row_means_what_the_obvious_implementation_finds(row: str) -> None:
    line = line_of(row)
    tidier = Tidier(True, None)
    found = tidier.read(line)
    assert found == obvious(line.decode())
    assert bool(tidier.changes) <= (isinstance(found, int) and line.decode() != f"+{found}")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_without_normalise_a_row_is_accepted_as_the_submission_accepts_it(row: str) -> None:
    line = line_of(row)
    found = Tidier(False, None).read(line)
    number = re.fullmatch(rb"[ \t]*\+([1-9][0-9]{1,14})[ \t]*", line)
    if len(line) <= 1024 and number:
        assert found == int(number[1])
    elif not line.strip(b" \t"):
        assert found is None
    else:
        assert isinstance(found, Reject)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=40), st.text(max_size=30).map(line_of)),
    st.booleans(),
)
def test_any_bytes_are_a_number_a_reject_or_blank(line: bytes, normalise: bool) -> None:
    found = Tidier(normalise, None).read(line.replace(b"\n", b""))
    assert found is None or isinstance(found, Reject) or re.fullmatch(r"[1-9][0-9]{1,14}", str(found))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.sampled_from(["US", "DE", "IT", "AU", "BR"]))
def test_with_a_region_a_number_is_valid_there_or_was_written_with_its_country(row: str, region: str) -> None:
    line = line_of(row)
    found = Tidier(True, region).read(line)
    international = Tidier(True, None).read(line)
    if not isinstance(found, int):
        assert found is None or isinstance(found, Reject)
    elif found != international:
        assert phonenumbers.is_valid_number(phonenumbers.parse(f"+{found}"))


def test_short_codes_and_codes_before_a_zero_are_those_of_the_metadata() -> None:
    codes = [str(code) for code in range(1, 100) if str(code)[0] not in "17" or code < 10]
    assert {code for code in codes if _is_short(code)} == SHORT_CODES
    found = set()
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        samples = 4000 if str(code) in ZERO_AFTER_CODE else 50
        if any(_begins_with_zero(region, code, samples) for region in regions):
            found.add(str(code))
    assert found == ZERO_AFTER_CODE


def _is_short(code: str) -> bool:
    # After a code of one or two digits a zero is a trunk zero, and its own digits are none.
    return Tidier(True, None).read(f"+{code} 0 12345".encode()) is Reject.TRUNK_ZERO or code in ZERO_AFTER_CODE


def _begins_with_zero(region: str, code: int, samples: int) -> bool:
    digits = random.Random(code)
    metadata = (
        phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        if region != "001"
        else phonenumbers.PhoneMetadata.metadata_for_nongeo_region(code, None)
    )
    for kind in (metadata.fixed_line, metadata.mobile):
        if kind is None or not kind.national_number_pattern:
            continue
        matches = re.compile(kind.national_number_pattern).fullmatch
        for length in kind.possible_length or ():
            if length > 0 and any(
                matches("0" + "".join(digits.choices("0123456789", k=length - 1))) for _ in range(samples)
            ):
                return True
    return False


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Numbers that the Bundesnetzagentur keeps for films: 0221 4710 000 to 999.
        ("0221 4710000", 492214710000),
        ("+49 221 4710000", 492214710000),
        ("0049 221 4710000", 492214710000),
        ("49 221 4710000", Reject.AMBIGUOUS),  # with the country code, or the area 0492
        ("49 (0)221 4710000", Reject.TRUNK_ZERO),
        ("0049 0221 4710000", Reject.NOT_VALID),
    ],
)
def test_what_is_valid_with_and_without_the_regions_code_is_ambiguous(text: str, found: int | Reject) -> None:
    assert Tidier(True, "DE").read(text.encode()) == found
