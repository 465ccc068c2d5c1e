"""Answers that are not the API's own, from the bytes to the next query. No I/O, no clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_ekyc.api.answers import HttpAnswer
from airflow_provider_ekyc.api.protocol import status_query
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, End, Poller

START = 1_800_000_000.0
SETTINGS = read_settings("made_up", host="https://api.example", password="made-up-api-key", extra={})
PAGE = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Please wait.</body></html>"


def waits(status: int, body: bytes, media_type: str) -> tuple[End | None, list[float]]:
    """Give the same answer six times; return how the wait ended, and the seconds to each next query."""
    poller = Poller(PollPolicy(), START, Deadline(START + 1e6))
    now, found = START + 1000, []
    for _ in range(6):
        answer = HttpAnswer(status, {"Content-Type": media_type}, body, datetime.now(UTC))
        with pytest.raises(EkycApiError) as caught:
            status_query(SETTINGS, "dmadeup1").read(answer)
        decision = poller.decide(caught.value, now, 0.5)
        if decision.ask_at is None:
            return decision.end, found
        found.append(decision.ask_at - now)
        now = decision.ask_at
    return None, found


@pytest.mark.parametrize("status", [302, 303, 307, 400, 401, 402, 403, 404, 405, 407, 408, 410, 418, 451, 502, 520])
def test_a_page_of_a_proxy_widens_the_interval_as_a_503_does(status: int) -> None:
    end, found = waits(status, PAGE, "text/html; charset=utf-8")
    assert end is None
    assert found == waits(503, b'{"error": "busy"}', "application/json")[1]
    assert found == sorted(found)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_the_same_code_from_the_api_itself_ends_the_wait(status: int) -> None:
    assert waits(status, b'{"error": "refused"}', "application/json") == (End.ERROR, [])
