"""
A price is entered once, and read exactly or not at all.

Modules: ``api/prices.py``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.exceptions import EkycSettingsError
from tests.api.conftest import API_KEY


def prices(value: object) -> dict[str, Decimal]:
    settings = read_settings("made_up", host=None, password=API_KEY, extra={"prices": value})
    return dict(settings.prices)


@pytest.mark.parametrize(
    "value",
    [
        {"amazon": 0.001, "ws": 0.00001},
        {"amazon": "0.0010", "ws": "1e-5"},
        '{"amazon": 0.001, "ws": 0.00001}',
        ' {"amazon": "0.001", "ws": 1E-5} ',
        "amazon=0.001,ws=0.00001",
        " amazon = 0.001 , ws=1e-5, ",
    ],
)
def test_prices_have_the_forms_of_a_form_and_of_json(value: object) -> None:
    assert prices(value) == {"amazon": Decimal("0.001"), "ws": Decimal("0.00001")}


def test_a_price_with_more_digits_than_a_float_has_is_exact() -> None:
    digits = "0.123456789012345678"
    assert prices(f'{{"amazon": {digits}}}') == prices(f"amazon={digits}") == {"amazon": Decimal(digits)}


def test_a_task_type_without_a_price_is_not_free() -> None:
    settings = read_settings("made_up", host=None, password=API_KEY, extra={"prices": "amazon=0.001"})
    assert settings.price("amazon") == Decimal("0.001")
    assert settings.price("ws") is None


@pytest.mark.parametrize("empty", ["", None])
def test_no_prices_are_no_prices(empty: str | None) -> None:
    assert prices(empty) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("amazon", "prices must look like"),
        ("amazon:0.001", "prices must look like"),
        # A decimal comma would otherwise be read as a price of 0, or of 1, and the rest as another task type.
        ("amazon=0,001", "prices must look like"),
        ("amazon=1,5", "prices must look like"),
        (0.001, "prices must look like"),
        ([["amazon", 0.001]], "prices must look like"),
        ("{not json", "prices must look like"),
        ("{}x", "prices must look like"),
        ('{"amazon": 0.001', "prices must look like"),
        ("amazon=0.001, amazon=0.002", "prices has amazon twice"),
        ('{"amazon": 0.001, "amazon": 0.002}', "prices has amazon twice"),
        ("amazon=0", "prices of amazon must be above 0"),
        ({"amazon": 0.0}, "prices of amazon must be above 0"),
        ("amazon=-0.001", "prices of amazon must be an amount"),
        ("amazon=0.001=2", "prices of amazon must be an amount"),
        ("amazon=", "prices of amazon must be an amount"),
        ('{"amazon": NaN}', "prices of amazon must be an amount"),
        ({"amazon": float("nan")}, "prices of amazon must be an amount"),
        ({"amazon": True}, "prices of amazon must be an amount"),
        ({"amazon": None}, "prices of amazon must be an amount"),
        ({"amazon": {"per": 1}}, "prices of amazon must be an amount"),
        ('{"amazon": {"per": 1}}', "prices of amazon must be an amount"),
        ("ama zon=0.001", "task_type must be a word"),
        ("=0.001", "task_type is empty"),
    ],
)
def test_a_price_that_is_wrong_is_an_error_in_words(value: Any, said: str) -> None:
    with pytest.raises(EkycSettingsError) as failed:
        prices(value)
    assert str(failed.value).startswith("Connection 'made_up': ")
    assert said in str(failed.value)


def test_how_prices_look_is_said_whole() -> None:
    with pytest.raises(EkycSettingsError) as failed:
        prices("amazon")
    assert str(failed.value).partition("No request")[0].strip() == (
        "Connection 'made_up': prices must look like {\"amazon\": 0.001} or amazon=0.001: the price of one number, "
        "with a point before the decimals, and commas between task types."
    )
