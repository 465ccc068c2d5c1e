"""``plugins/plain_json.py``: answers with text that UTF-8 can't encode, and numbers that JSON does not have."""

from __future__ import annotations

import json

import pytest

from airflow_provider_ekyc.plugins.plain_json import PlainJson


@pytest.mark.parametrize("text", ["\ud800", "é", "\N{SNOWMAN}", "<script>", "\u2028"])
def test_every_text_is_encoded(text: str) -> None:
    answer = PlainJson({"text": text}, 409)
    assert json.loads(bytes(answer.body)) == {"text": text}
    assert bytes(answer.body).isascii()
    assert (answer.status_code, answer.headers["cache-control"]) == (409, "no-store")


def test_what_is_no_number_of_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        PlainJson({"rate": float("nan")})
