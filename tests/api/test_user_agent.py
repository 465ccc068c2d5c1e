"""Each request says which package sends it, and nothing of the deployment."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable
from importlib import metadata
from typing import Any

import airflow_provider_ekyc
from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.user_agent import compose_user_agent, user_agent
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import ScriptedServer, answer
from tests.api.conftest import BOTH, Ask, numbers, settings_for, settings_of
from tests.submitted import submitted

Make = Callable[..., EkycClient]
EXPECTED = (
    f"airflow-provider-ekyc/{airflow_provider_ekyc.__version__} apache-airflow/{metadata.version('apache-airflow')}"
)


def json_answer(**fields: Any) -> bytes:
    return answer("200 OK", json.dumps(fields).encode(), "Content-Type: application/json")


def test_it_names_the_package_and_airflow_with_their_versions() -> None:
    assert user_agent() == EXPECTED
    assert re.fullmatch(r"[\w./-]+ [\w./-]+", EXPECTED)


def test_a_vendors_build_of_airflow_is_not_named() -> None:
    assert compose_user_agent(lambda name: "3.1.8+made.up.vendor").endswith(" apache-airflow/3.1.8")


def test_an_image_with_the_core_alone_has_a_version_too() -> None:
    def find(name: str) -> str:
        if name != "apache-airflow-core":
            raise metadata.PackageNotFoundError(name)
        return "3.3.2"

    assert compose_user_agent(find).endswith(" apache-airflow/3.3.2")


def test_without_airflow_the_package_is_named_alone() -> None:
    def find(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    assert compose_user_agent(find) == EXPECTED.partition(" ")[0]


@BOTH
def test_a_query_has_it(ask: Ask) -> None:
    with ScriptedServer(json_answer(task_id="t1", status="pending", total=0)) as server:
        ask(settings_for(server.url), "t1")
        assert [head["user-agent"] for head in server.heads] == [EXPECTED]


def test_the_balance_the_submission_and_the_download_have_it(client: Make) -> None:
    list_of_numbers = numbers()
    script = (
        json_answer(balance=5),
        json_answer(task_id="t1", status="pending", total=100),
        answer("200 OK", b"made up"),
    )
    with ScriptedServer(*script) as server:
        one = client(settings_for(server.url, result_hosts=server.url))
        one.get_balance()
        one.submit(io.BytesIO(list_of_numbers), len(list_of_numbers), "amazon")
        with one.open_result(server.result_url) as stream:
            assert b"".join(stream.blocks) == b"made up"
        assert [head["user-agent"] for head in server.heads] == [EXPECTED] * 3


@BOTH
def test_a_proxy_reads_it_too(either_sandbox: Sandbox, ask: Ask) -> None:
    ekyc_task_id = submitted(either_sandbox)
    with http_proxy() as proxy:
        ask(settings_of(either_sandbox, proxy=proxy.url), ekyc_task_id)
        (head,) = proxy.heads
    named = [line for line in head.decode().split("\r\n") if line.lower().startswith("user-agent:")]
    assert named == [f"User-Agent: {EXPECTED}"]


def test_queries_through_a_proxy_go_on_over_one_connection(tls_sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(tls_sandbox)

    async def ask_twice(proxy: str) -> None:
        async with shared_session() as session:
            for _ in range(2):
                await get_task(session, settings_of(tls_sandbox, proxy=proxy), ekyc_task_id)

    with http_proxy() as proxy:
        asyncio.run(ask_twice(proxy.url))
        assert len(proxy.asked) == 1
