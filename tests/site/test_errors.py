"""What the code says of its errors is what runbook and page of messages have: none is missing."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ekyc.ways_out import WAYS_OUT
from dev.site.errors import (
    RUNBOOKS,
    exceptions_table,
    kinds_by_name,
    messages,
    messages_page,
    public_errors,
    table_of,
)
from dev.site.markdown import ROOT

SAID_BY_A_VALUE = {"timeout", "too_many_failures"}  # their text is that of a decision of polling/poller.py


@pytest.mark.parametrize("page", RUNBOOKS)
def test_each_exception_is_in_the_runbook(page: str) -> None:
    assert table_of(page) == exceptions_table(page), 'run "python -m dev.site.errors"'
    for error in public_errors():
        assert f"| `{error.__name__}` | [`{error.kind}`](#{error.kind}) |" in table_of(page)
    assert len(public_errors()) == table_of(page).count("\n| `")


@pytest.mark.parametrize("page", RUNBOOKS)
def test_each_message_has_an_entry(page: str) -> None:
    entries = set(re.findall(r"^## ([a-z0-9_]+)$", (ROOT / page).read_text(), re.MULTILINE))
    assert {each.kind for each in messages()} | set(kinds_by_name().values()) <= entries
    assert entries == set(WAYS_OUT)


def test_nearly_all_messages_are_found_in_the_source() -> None:
    found = messages()
    assert len(found) > 200
    assert set(WAYS_OUT) - {each.kind for each in found} == SAID_BY_A_VALUE
    for each in found:
        assert each.error in (ROOT / each.path).read_text().splitlines()[each.line - 1] or "(" in each.text


def test_a_known_message_is_on_the_page() -> None:
    page = messages_page()
    assert "\n## too_large\n\n[What to do](runbook.md#too_large)\n" in page
    assert "| The account's balance is too low (402). Top up the account" in page
    assert "EkycConnectionFieldError" not in page  # its text is that of the field's own error, which is there
