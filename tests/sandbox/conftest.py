from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.sandbox.sandbox_callers import API_KEY, Caller, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call_up() -> Iterator[Callable[..., Caller]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Caller:
            caller = Caller(stack.enter_context(Sandbox(API_KEY, **options)))
            stack.callback(caller.session.close)
            return caller

        yield start


@pytest.fixture
def caller(call_up: Callable[..., Caller]) -> Caller:
    return call_up()
