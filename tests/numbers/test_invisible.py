"""Characters that are not seen."""

from __future__ import annotations

from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks


def test_blanks_and_marks_around_a_text_are_removed() -> None:
    assert trimmed("\ufeff \u00a0\u200e+1 202\u3000\t\u202c\r\n") == "+1 202"


def test_marks_within_a_text_are_removed_and_blanks_stay() -> None:
    assert without_marks("+1\u200b202\u00ad 555\u00a00100") == "+1202 555\u00a00100"
