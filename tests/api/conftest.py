from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import EkycSettings, read_settings
from airflow_provider_ekyc.exceptions import EkycConnectionError, EkycError
from airflow_provider_ekyc.sandbox import Sandbox

#: What the API answers to a status query of a task that waits.
PENDING = {"task_id": "made-up-id", "status": "pending"}
API_KEY = "made-up-api-key-0123456789abcdef"
ONCE = Retries(attempts=1)
AT_ONCE = Retries(attempts=5, first_wait=0.0)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no CA bundle of the machine: each test says what it needs."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tls_sandbox() -> Iterator[Sandbox]:
    with Sandbox(API_KEY, tls=True) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def either_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(API_KEY, tls=request.param == "https") as running:
        yield running


@pytest.fixture
def client() -> Iterator[Callable[..., EkycClient]]:
    """Make clients of settings, closed at the end."""
    with ExitStack() as stack:

        def make(settings: EkycSettings, retries: Retries = ONCE) -> EkycClient:
            return stack.enter_context(EkycClient(settings, retries=retries))

        yield make


def settings_of(sandbox: Sandbox, **extra: Any) -> EkycSettings:
    if sandbox.ca_file is not None:
        extra.setdefault("ca_file", str(sandbox.ca_file))
    return settings_for(sandbox.url, **{"result_hosts": sandbox.url, **extra})


def settings_for(url: str, *, key: str = API_KEY, **extra: Any) -> EkycSettings:
    return read_settings("made_up", host=url, password=key, extra=extra)


def numbers(count: int = 100, first: int = 0) -> bytes:
    return "".join(f"+999{first + index:010d}\n" for index in range(count)).encode()


def padded(size: int) -> bytes:
    """Return the body of a valid answer of just this size."""
    body = json.dumps({**PENDING, "notes": ""}).encode()
    return body.replace(b'"notes": ""', b'"notes": "' + b"-" * (size - len(body)) + b'"')


def ask_with_requests(settings: EkycSettings, ekyc_task_id: str) -> Task:
    with EkycClient(settings, retries=ONCE) as one:
        return one.get_task(ekyc_task_id)


def ask_with_aiohttp(settings: EkycSettings, ekyc_task_id: str) -> Task:
    async def ask() -> Task:
        async with shared_session() as session:
            return await get_task(session, settings, ekyc_task_id)

    return asyncio.run(ask())


#: Both ways to ask for a status: the worker's and the triggerer's.
BOTH = pytest.mark.parametrize("ask", [ask_with_requests, ask_with_aiohttp])

Ask = Callable[[EkycSettings, str], Task]


def failure(ask: Ask, settings: EkycSettings, ekyc_task_id: str = "made-up-id") -> EkycError:
    with pytest.raises(EkycError) as caught:
        ask(settings, ekyc_task_id)
    assert caught.value.__cause__ is None
    return caught.value


def alike(settings: EkycSettings, ekyc_task_id: str = "made-up-id", *, whole: bool = True) -> EkycError:
    """
    Ask with both; their errors must agree in all but the name of the library's exception.

    :param whole: whether the answer is: of one that breaks off, aiohttp has seen more than requests
    """
    one, other = (failure(ask, settings, ekyc_task_id) for ask in (ask_with_requests, ask_with_aiohttp))
    assert type(one) is type(other)
    for name in ("status", "retryable", "retry_after", "outcome"):
        assert getattr(one, name, None) == getattr(other, name, None), name
    if whole and not isinstance(one, EkycConnectionError):
        assert one.message == other.message
    return one
