"""Archives that the vendor might deliver and the sandbox never does."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from airflow_provider_ekyc.sandbox import expected_answer
from tests.results.archives import pack

_ANSWERS = {
    "TRUE and FALSE": ("TRUE", "FALSE"),
    "1 and 0": ("1", "0"),
    "active and inactive": ("active", "inactive"),
    "registered and unregistered": ("registered", "unregistered"),
    "with invisible marks": ("yes\u200b", "\u200eno\u00a0"),
    "vrai and faux": ("vrai", "faux"),
}
_NUMBERS: dict[str, Callable[[str], str]] = {
    "with 00": lambda digits: f"00{digits}",
    "with an apostrophe": lambda digits: f"'+{digits}",
    "as formulas": lambda digits: f'"=""+{digits}"""',
    "with blanks": lambda digits: f"+{digits[:3]} {digits[3:6]}\u00a0{digits[6:]}",
    "with hyphens": lambda digits: f"+{digits[:3]}-{digits[3:6]}\u2011{digits[6:]}",
    "with brackets": lambda digits: f"+{digits[:3]} ({digits[3:6]}) {digits[6:]}",
    "with direction marks": lambda digits: f"\u202a+{digits}\u202c",
    "in scientific notation": lambda digits: f"{int(digits):.5E}",
    "with a leading zero": lambda digits: f"0{digits[3:]}",
    "with too many digits": lambda digits: f"+{digits}0000",
}
_HEADERS = {
    "Mobile": "Mobile,amazon",
    "msisdn": "msisdn,amazon",
    "Phone Number": "Phone Number,amazon",
    "teléfono": unicodedata.normalize("NFC", "teléfono,amazon"),
    "teléfono in decomposed letters": unicodedata.normalize("NFD", "teléfono,amazon"),
    "below a title": "Results of amazon\nNumber,amazon",
}

#: Every delivery, in the words of the table, as a regular expression.
DELIVERIES = "|".join(
    [
        *(f"answers {how}" for how in _ANSWERS),
        *(f"numbers {how}" for how in _NUMBERS),
        *(f"header {how}" for how in _HEADERS),
        *("some answers vrai", "two answer columns", "no answer column", "of other numbers", "a column more"),
        *("with a contradiction", "one number in all rows", "without an answer"),
        *("two number columns", "two parts", r"(failed|summary)\.csv beside the table", "no row"),
    ]
)

#: What the status says of an archive, where it is not two hundred of success.
FIGURES = {
    "with a contradiction": {"success": 199, "failure": 1},
    "without an answer": {"success": 0, "failure": 200},
}


def _other_than(answer: str) -> str:
    return "no" if answer == "yes" else "yes"


def delivery(what: str) -> bytes:
    """
    Return an archive of two hundred rows.

    :param what: in the words of the table
    """
    first = 5000 if what == "of other numbers" else 0
    numbers = [f"+999{number:010d}" for number in range(first, first + 200)]
    return pack({name: "".join(f"{line}\n" for line in lines).encode() for name, lines in _members(what, numbers)})


def _members(what: str, numbers: Sequence[str]) -> list[tuple[str, list[str]]]:
    rows = [f"{number},{expected_answer(number)}" for number in numbers]
    table = ["Number,amazon", *rows]
    if what == "two parts":
        # The rest is in the second part, so that leaving it out shows.
        return [("amazon_2.csv", [table[0], *rows[150:]]), ("amazon_1.csv", [table[0], *rows[:150]])]
    if what.endswith(".csv beside the table"):
        beside = ["Number,amazon", "+9990000000300,timeout"] if what.startswith("failed") else ["rows,200"]
        return [(what.split()[0], beside), ("amazon.csv", table)]
    return [("amazon.csv", _table(what, numbers, rows))]


def _table(what: str, numbers: Sequence[str], rows: list[str]) -> list[str]:
    kind, _, how = what.partition(" ")
    if kind == "answers":
        yes, no = _ANSWERS[how]
        return ["Number,amazon", *(f"{n},{yes if expected_answer(n) == 'yes' else no}" for n in numbers)]
    if kind == "numbers":
        return ["Number,amazon", *(f"{_NUMBERS[how](n[1:])},{expected_answer(n)}" for n in numbers)]
    if kind == "header":
        return [_HEADERS[how], *rows]
    return {
        # The answers are in the last column, so that taking another one shows.
        "two answer columns": ["Number,amazon,activated"] + [f"{n},undetermined,{expected_answer(n)}" for n in numbers],
        "no answer column": ["Number", *numbers],
        "of other numbers": ["Number,amazon", *rows],
        "some answers vrai": ["Number,amazon", *(f"{n},vrai" for n in numbers[:7]), *rows[7:]],
        "a column more": ["Number,country,amazon"] + [f"{n},no,{expected_answer(n)}" for n in numbers],
        "two number columns": ["Mobile,Number,amazon"] + [f"+9991,{row}" for row in rows],
        "no row": ["Number,amazon"],
        "with a contradiction": [
            "Number,amazon",
            *(f"{n},{expected_answer(n)}" for n in numbers[1:]),
            f"{numbers[1]},{_other_than(expected_answer(numbers[1]))}",
        ],
        "one number in all rows": ["Number,amazon"] + [f"{numbers[0]},{expected_answer(numbers[0])}"] * 200,
        "without an answer": ["Number,amazon"] + [f"{n}," for n in numbers],
    }[what]
