"""
The worker's and the triggerer's client take the same proxies and the same certificates.

Modules: ``api/environment.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ekyc.api import environment
from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycConnectionError, EkycSettingsError
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.http_proxy import http_proxy
from tests.api.conftest import (
    API_KEY,
    BOTH,
    Ask,
    alike,
    ask_with_aiohttp,
    ask_with_requests,
    failure,
    settings_for,
    settings_of,
)
from tests.submitted import submitted


@BOTH
@pytest.mark.parametrize("where", ["connection", "environment", "ENVIRONMENT", "all"])
def test_the_api_is_asked_through_the_proxy_which_sees_no_key_where_there_is_tls(
    either_sandbox: Sandbox, ask: Ask, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, has_tls = either_sandbox.url, either_sandbox.url.startswith("https")
    ekyc_task_id = submitted(either_sandbox)
    with http_proxy() as proxy:
        settings = proxied(either_sandbox, proxy.url, where, monkeypatch)
        assert ask(settings, ekyc_task_id).total == 200
        assert proxy.asked == [f"CONNECT {url.removeprefix('https://')}" if has_tls else f"POST {url}/v1/gettasks"]
        assert (API_KEY.encode() in b"".join(proxy.heads)) is not has_tls


def proxied(sandbox: Sandbox, proxy: str, where: str, monkeypatch: pytest.MonkeyPatch) -> EkycSettings:
    if where == "connection":
        # Even where the environment says otherwise: the connection is the nearer of the two.
        monkeypatch.setenv("NO_PROXY", "*")
        return settings_of(sandbox, proxy=proxy)
    names = {
        "environment": ("http_proxy", "https_proxy"),
        "ENVIRONMENT": ("HTTP_PROXY", "HTTPS_PROXY"),
        "all": ("all_proxy",),
    }
    for name in names[where]:
        monkeypatch.setenv(name, proxy.removeprefix("http://") if where == "ENVIRONMENT" else proxy)
    return settings_of(sandbox)


@BOTH
@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "127.0.0.0/8", "*", "example.com, 127.0.0.1"])
def test_no_proxy_is_heeded(sandbox: Sandbox, ask: Ask, no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_proxy() as proxy:
        proxied(sandbox, proxy.url, "environment", monkeypatch)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert ask(settings_of(sandbox), submitted(sandbox)).total == 200
        assert proxy.asked == []


@BOTH
def test_credentials_of_a_proxy_go_to_the_proxy_alone(either_sandbox: Sandbox, ask: Ask) -> None:
    ekyc_task_id = submitted(either_sandbox)
    with http_proxy() as proxy:
        settings = settings_of(either_sandbox, proxy=proxy.url.replace("//", "//made:up-password@"))
        ask(settings, ekyc_task_id)
        assert b"proxy-authorization: basic" in proxy.heads[0].lower()
    assert "authorization" not in either_sandbox.requests[-1].header_names


@pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy Authentication Required", "503 Unavailable"])
def test_a_proxy_that_refuses_is_the_same_error(either_sandbox: Sandbox, status: str) -> None:
    with http_proxy(refuse=status) as proxy:
        error = alike(settings_of(either_sandbox, proxy=proxy.url.replace("//", "//made:up-password@")))
    assert "up-password" not in f"{error!r}"
    assert either_sandbox.calls["status"] == 0


def test_a_socks_proxy_of_the_environment_is_said_to_be_of_no_use_to_the_triggerer(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://me:up-password@127.0.0.1:9")
    error = failure(ask_with_aiohttp, settings_of(sandbox))
    assert type(error) is EkycSettingsError
    assert "up-password" not in error.message
    assert type(failure(ask_with_requests, settings_of(sandbox))) is EkycConnectionError


@pytest.mark.parametrize("proxy", ["http://", "http://127.0.0.1:99999", "http://*.example:3128"])
def test_a_proxy_of_the_environment_without_a_host_or_a_port_is_an_error(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(EkycSettingsError, match="The environment names a proxy that the triggerer can't use"):
        environment.http_proxy(settings_for("https://api.example"))


@pytest.mark.parametrize("proxy", ["http://proxy.example:3128", "https://proxy.example:3129"])
def test_a_proxy_of_the_environment_may_have_tls_of_its_own(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert environment.http_proxy(settings_for("https://api.example")) == proxy


@pytest.fixture
def other_sandbox() -> Iterator[Sandbox]:
    with Sandbox(API_KEY, tls=True) as running:
        yield running


@BOTH
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_authorities_are_trusted(
    tls_sandbox: Sandbox, ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ekyc_task_id = submitted(tls_sandbox)
    assert "ca_file" in failure(ask, settings_for(tls_sandbox.url), ekyc_task_id).message
    monkeypatch.setenv(name, str(tls_sandbox.ca_file))
    assert ask(settings_for(tls_sandbox.url), ekyc_task_id).total == 200


@BOTH
def test_the_connections_authorities_come_before_the_environments(
    tls_sandbox: Sandbox, other_sandbox: Sandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ekyc_task_id = submitted(tls_sandbox)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_sandbox.ca_file))
    assert ask(settings_of(tls_sandbox), ekyc_task_id).total == 200
    wrong = failure(ask, settings_of(tls_sandbox, ca_file=str(other_sandbox.ca_file)), ekyc_task_id)
    assert type(wrong) is EkycConnectionError
    assert "the connection's ca_file names who to trust" in wrong.message


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@BOTH
def test_verify_false_comes_before_the_environment(
    tls_sandbox: Sandbox, other_sandbox: Sandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ekyc_task_id = submitted(tls_sandbox)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_sandbox.ca_file))
    assert ask(settings_for(tls_sandbox.url, verify=False), ekyc_task_id).total == 200


@pytest.mark.parametrize(
    ("content", "kind"), [(None, "FileNotFoundError"), ("this is no certificate", "SSLError"), ("", "SSLError")]
)
@pytest.mark.parametrize("name", ["ca_file", "REQUESTS_CA_BUNDLE"])
def test_a_file_without_certificates_is_named_by_both(
    tls_sandbox: Sandbox, tmp_path: Path, content: str | None, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    if name == "ca_file":
        settings = settings_of(tls_sandbox, ca_file=str(path))
    else:
        settings = settings_for(tls_sandbox.url)
        monkeypatch.setenv(name, str(path))
    error = alike(settings)
    assert type(error) is EkycSettingsError
    assert name in error.message
    assert f"{str(path)!r}, which can't be read as certificates on this machine ({kind})." in error.message


def test_a_ca_file_that_is_renewed_is_read_again(tls_sandbox: Sandbox, other_sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    assert tls_sandbox.ca_file is not None
    assert other_sandbox.ca_file is not None
    for changed, sandbox in enumerate((tls_sandbox, other_sandbox)):
        assert sandbox.ca_file is not None
        path.write_bytes(sandbox.ca_file.read_bytes())
        os.utime(path, (changed, changed))
        assert ask_with_aiohttp(settings_of(sandbox, ca_file=str(path)), submitted(sandbox)).total == 200


def test_one_session_asks_apis_of_two_authorities(tls_sandbox: Sandbox, other_sandbox: Sandbox) -> None:
    tasks = [(sandbox, submitted(sandbox)) for sandbox in (tls_sandbox, other_sandbox)]

    async def ask() -> None:
        async with shared_session() as session:
            for _ in range(2):
                for sandbox, ekyc_task_id in tasks:
                    assert (await get_task(session, settings_of(sandbox), ekyc_task_id)).total == 200
            for (sandbox, ekyc_task_id), (other, _) in zip(tasks, reversed(tasks), strict=True):
                wrong = settings_of(sandbox, ca_file=str(other.ca_file))
                with pytest.raises(EkycConnectionError, match="ca_file"):
                    await get_task(session, wrong, ekyc_task_id)

    asyncio.run(ask())


@BOTH
def test_a_directory_of_authorities_is_read_by_both(tls_sandbox: Sandbox, ask: Ask, tmp_path: Path) -> None:
    ekyc_task_id = submitted(tls_sandbox)
    failed = failure(ask, settings_of(tls_sandbox, ca_file=str(tmp_path)), ekyc_task_id)
    assert isinstance(failed, EkycConnectionError), "an empty one trusts nobody"
    assert "ca_file" in failed.message
