"""Waits that begin together read their connection once (``shared_settings``), counted where Airflow reads it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.exceptions import EkycNoConnectionError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers import shared_settings as module
from airflow_provider_ekyc.triggers.shared_settings import forget_settings, shared_settings


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the connections that were read; each read takes a moment, as through the supervisor."""
    made: list[str] = []
    read = EkycHook.async_settings

    async def counted(hook: EkycHook) -> object:
        made.append(hook.ekyc_conn_id)
        await asyncio.sleep(0.05)
        return await read(hook)

    monkeypatch.setattr(EkycHook, "async_settings", counted)
    return made


@pytest.mark.asyncio
async def test_waits_that_begin_together_read_a_connection_once(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str]
) -> None:
    connect(sandbox)
    connect(sandbox, conn_id="other", password="another-made-up-key")
    found = await asyncio.gather(*(shared_settings(name) for name in ("ekyc_default", "other") for _ in range(100)))
    assert sorted(reads) == ["ekyc_default", "other"]
    assert [one.api_key for one in found[99:101]] == [found[0].api_key, "another-made-up-key"]


@pytest.mark.asyncio
async def test_it_is_read_again_after_a_while(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(sandbox)
    await shared_settings("ekyc_default")
    connect(sandbox, password="another-made-up-key")
    assert (await shared_settings("ekyc_default")).api_key != "another-made-up-key"
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.0)
    assert (await shared_settings("ekyc_default")).api_key == "another-made-up-key"
    assert len(reads) == 2


@pytest.mark.asyncio
async def test_after_a_refusal_it_is_read_again_at_once(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str]
) -> None:
    connect(sandbox, password="another-made-up-key")
    await shared_settings("ekyc_default")
    connect(sandbox)
    forget_settings("ekyc_default")
    assert (await shared_settings("ekyc_default")).api_key != "another-made-up-key"


@pytest.mark.asyncio
async def test_waits_that_are_refused_together_read_it_once_more(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str]
) -> None:
    connect(sandbox, password="another-made-up-key")
    await shared_settings("ekyc_default")
    connect(sandbox)
    refused = time.monotonic()
    found = await asyncio.gather(*(shared_settings("ekyc_default", since=refused) for _ in range(100)))
    assert {one.api_key for one in found} == {sandbox.api_key}
    assert len(reads) == 2


@pytest.mark.asyncio
async def test_a_failed_read_fails_all_that_wait_for_it_and_is_made_again(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str]
) -> None:
    failed = await asyncio.gather(*(shared_settings("nowhere") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in failed] == [EkycNoConnectionError] * 3
    assert len(reads) == 1
    connect(sandbox, conn_id="nowhere")
    assert (await shared_settings("nowhere")).base_url == sandbox.url


@pytest.mark.asyncio
async def test_a_wait_that_is_cancelled_does_not_end_the_read_of_the_others(
    sandbox: Sandbox, connect: Callable[..., None], reads: list[str]
) -> None:
    connect(sandbox)
    first = asyncio.create_task(shared_settings("ekyc_default"))
    second = asyncio.create_task(shared_settings("ekyc_default"))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).base_url == sandbox.url
    assert len(reads) == 1
    assert first.cancelled()


def test_each_event_loop_reads_for_itself(sandbox: Sandbox, connect: Callable[..., None], reads: list[str]) -> None:
    connect(sandbox)
    for _ in range(2):
        asyncio.run(shared_settings("ekyc_default"))
    assert len(reads) == 2
    assert len(module._reads) == 1, "those of closed loops are forgotten"
