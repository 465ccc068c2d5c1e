"""What an error of a result adds: what it cost, and what to do first."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.exceptions import EkycNotFoundError, EkycServerError
from airflow_provider_ekyc.results.errors import (
    AS_DELIVERED,
    DOWNLOAD_AGAIN,
    NOTHING_LANDED,
    contents_error,
    download_error,
)


def test_the_vendor_is_asked_about_contents_that_a_second_download_would_not_change() -> None:
    error = contents_error("The result is made up.")
    assert error.message == f"The result is made up. {NOTHING_LANDED} Ask the vendor. {AS_DELIVERED}"
    assert not error.retryable


def test_another_remedy_stands_in_place_of_the_vendor() -> None:
    error = contents_error("The result is made up.", "Set number_column.")
    assert error.message == f"The result is made up. {NOTHING_LANDED} Set number_column. {AS_DELIVERED}"


def test_what_may_have_been_damaged_on_its_way_is_to_be_downloaded_again() -> None:
    error = contents_error("The result is made up.", again=True)
    assert error.message == f"The result is made up. {NOTHING_LANDED} {DOWNLOAD_AGAIN} {AS_DELIVERED}"


@pytest.mark.parametrize(("retryable", "again"), [(True, " A retry requests the result again."), (False, "")])
def test_a_failed_download_says_what_it_cost_and_whether_a_retry_asks_again(retryable: bool, again: str) -> None:
    failed = EkycServerError("Made up.", status=503, retryable=retryable)
    error = download_error(failed)
    assert error.message == f"Made up. {NOTHING_LANDED}{again}"
    assert (type(error), error.status, error.retryable) == (EkycServerError, 503, retryable)
    assert failed.message == "Made up."


def test_an_id_that_the_api_does_not_know_is_not_said_to_be_paid_for() -> None:
    error = download_error(EkycNotFoundError("Made up.", status=404))
    assert error.message == "Made up. Nothing was landed. A submission that was accepted is paid for."
