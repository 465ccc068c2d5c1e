"""Cases with a part of the provider switched off: each figure that must be 0 has to rise then."""

from __future__ import annotations

from dev.faults.case import Case

_GROUP = "submit, without the intent"


def control_cases() -> list[Case]:
    """Return the cases of the negative control."""
    cases = [
        Case(1, _GROUP, "submit", memory="variables", point="before the receipt", sabotage="the intent"),
        Case(2, _GROUP, "submit", memory="local", point="before the receipt", sabotage="the intent"),
        Case(3, _GROUP, "submit", memory="s3", point="before the answer is read", sabotage="the intent"),
        Case(4, _GROUP, "submit", memory="local", point="before the answer is read", sabotage="the intent"),
    ]
    message = "the unknown outcome's message"
    cases.append(Case(5, "submit, without the message", "submit", point="before the answer is read", sabotage=message))
    cases.append(Case(6, "land, without the check", "land", fault="missing_rows", call="result", sabotage="the check"))
    for number, (sabotage, point) in enumerate(
        (("the look at the table", "after the commit"), ("the commit to the table", "before the XCom")), start=7
    ):
        group = f"table, without {sabotage.removesuffix(' at the table').removesuffix(' to the table')}"
        cases.append(Case(number, group, "table", point=point, sabotage=sabotage))
    return cases
