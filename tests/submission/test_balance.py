"""The balance around a submission: which failures stop it, and which it goes on without (``submission/balance.py``)."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.api.models import Balance
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycProxyError,
)
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.balance import balance_before, balance_now

pytestmark = pytest.mark.usefixtures("no_waits")


@pytest.fixture
def hook(sandbox: Sandbox, connect: Callable[..., None]) -> EkycHook:
    connect(sandbox)
    return EkycHook()


def test_the_balance_is_that_of_the_account(hook: EkycHook, sandbox: Sandbox) -> None:
    balance = hook.get_balance().balance
    assert balance_before(hook) == balance_now(hook) == balance
    assert balance is not None


@pytest.mark.parametrize(("status", "kind"), [(401, EkycAuthenticationError), (402, EkycBalanceError)])
def test_what_the_submission_would_fail_with_too_stops_it(
    hook: EkycHook, sandbox: Sandbox, status: int, kind: type[EkycApiError]
) -> None:
    sandbox.fault("balance", "status", status=status)
    with pytest.raises(kind):
        balance_before(hook)


@pytest.mark.parametrize("status", [400, 404, 405, 500, 503])
def test_a_balance_that_is_not_known_stops_nothing(
    hook: EkycHook, sandbox: Sandbox, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("balance", "status", status=status, times=20)
    with caplog.at_level(logging.WARNING):
        assert balance_before(hook) is None
    assert "The submission continues without knowing the balance." in caplog.text


@pytest.mark.parametrize("status", [404, 405])
def test_a_gateway_may_have_a_page_for_this_call_alone(hook: EkycHook, sandbox: Sandbox, status: int) -> None:
    sandbox.fault("balance", "html", status=status, times=20)
    assert balance_before(hook) is None


def test_a_page_instead_of_the_balance_stops_the_submission(hook: EkycHook, sandbox: Sandbox) -> None:
    sandbox.fault("balance", "html", status=403, times=20)
    with pytest.raises(EkycProxyError) as failed:
        balance_before(hook)
    assert failed.value.message.endswith(" No submission was sent. A retry queries the balance again.")
    assert sandbox.calls["submit"] == 0


@pytest.mark.parametrize("status", [401, 402, 500])
def test_after_an_unknown_outcome_one_query_is_all(
    hook: EkycHook, sandbox: Sandbox, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("balance", "status", status=status)
    before = sandbox.calls["balance"]
    with caplog.at_level(logging.WARNING):
        assert balance_now(hook) is None
    assert sandbox.calls["balance"] == before + 1
    assert "The balance is not known." in caplog.text


class Failing:
    """The query alone, which fails; how often it was asked, and whether without a retry."""

    def __init__(self, error: EkycApiError) -> None:
        self.error = error
        self.queries: list[bool] = []

    def get_balance(self, *, once: bool = False) -> Balance:
        self.queries.append(once)
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        EkycAuthenticationError("Made up.", status=401),
        EkycBalanceError("Made up.", status=402),
        EkycProxyError("Made up.", status=401),
    ],
)
def test_a_wrong_key_and_an_empty_account_are_the_error_as_it_is(error: EkycApiError) -> None:
    with pytest.raises(EkycApiError) as failed:
        balance_before(Failing(error))
    assert failed.value is error
    assert failed.value.message == "Made up."


@pytest.mark.parametrize(
    "error",
    [
        EkycApiError("Made up.", status=401, retryable=True),
        EkycApiError("Made up.", status=402, retryable=True),
        EkycApiError("Made up.", status=403),
        EkycApiError("Made up."),
        EkycProxyError("Made up.", status=404),
        EkycProxyError("Made up.", status=405),
    ],
)
def test_any_other_failure_is_a_warning(error: EkycApiError, caplog: pytest.LogCaptureFixture) -> None:
    api = Failing(error)
    assert balance_before(api) is None
    assert api.queries == [False]
    assert caplog.messages == ["The submission continues without knowing the balance. Made up."]


@pytest.mark.parametrize("status", [None, 200, 403, 407, 502])
def test_another_server_in_the_place_of_the_api_stops_it(status: int | None) -> None:
    error = EkycProxyError("Made up.", status=status, retryable=True)
    with pytest.raises(EkycProxyError) as failed:
        balance_before(Failing(error))
    assert failed.value.message == "Made up. No submission was sent. A retry queries the balance again."
    assert (failed.value.status, failed.value.retryable) == (status, True)


def test_after_it_any_failure_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    api = Failing(EkycAuthenticationError("Made up.", status=401))
    assert balance_now(api) is None
    assert api.queries == [True]
    assert caplog.messages == ["The balance is not known. Made up."]
