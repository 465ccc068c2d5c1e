"""Archives that the vendor might deliver and the sandbox never does."""

from __future__ import annotations

from airflow_provider_ekyc.sandbox import expected_answer
from tests.results.archives import pack


def delivery(what: str) -> bytes:
    """
    Return an archive of two hundred rows.

    :param what: in the page's words
    """
    first = 5000 if what == "of other numbers" else 0
    numbers = [f"+999{number:010d}" for number in range(first, first + 200)]
    lines = {
        # The answers stand in the last column, so that taking another one shows.
        "two answer columns": ["Number,amazon,activated"] + [f"{n},undetermined,{expected_answer(n)}" for n in numbers],
        "no answer column": ["Number", *numbers],
        "of other numbers": ["Number,amazon"] + [f"{n},{expected_answer(n)}" for n in numbers],
    }[what]
    return pack({"amazon.csv": "".join(f"{line}\n" for line in lines).encode()})
