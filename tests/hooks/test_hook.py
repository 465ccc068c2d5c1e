from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest

from airflow_provider_ekyc.airflow_sdk import BaseHook
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycAuthenticationError, EkycSettingsError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.sandbox import Sandbox

API_KEY = "made-up-api-key-0123456789abcdef"
NUMBERS = "".join(f"+999{number:010d}\n" for number in range(100)).encode()

Connect = Callable[..., None]


def define(monkeypatch: pytest.MonkeyPatch, connection: str | dict[str, object], conn_id: str = "ekyc_default") -> None:
    text = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)


def asynchronous(hook: EkycHook) -> object:
    return asyncio.run(hook.async_settings())


def test_the_names_are_those_that_airflow_asks_for() -> None:
    assert issubclass(EkycHook, BaseHook)
    assert (EkycHook.conn_name_attr, EkycHook.default_conn_name) == ("ekyc_conn_id", "ekyc_default")
    assert (EkycHook.conn_type, EkycHook.hook_name) == ("ekyc", "eKYC")
    assert EkycHook().ekyc_conn_id == "ekyc_default"
    assert EkycHook(ekyc_conn_id="other").ekyc_conn_id == "other"


@pytest.mark.parametrize("as_text", [True, False])
def test_a_connection_in_json(monkeypatch: pytest.MonkeyPatch, as_text: bool) -> None:
    extra = {
        "read_timeout": 5,
        "verify": False,
        "row_limits": {"amazon": [1, 2]},
        "prices": {"amazon": 0.00001},
        "result_hosts": ["results.example"],
    }
    define(
        monkeypatch,
        {
            "conn_type": "ekyc",
            "host": "https://api.example/",
            "password": API_KEY,
            "extra": json.dumps(extra) if as_text else extra,
        },
    )
    settings = EkycHook().settings
    assert (settings.base_url, settings.api_key) == ("https://api.example", API_KEY)
    assert (settings.read_timeout, settings.verify, settings.row_limits) == (5, False, {"amazon": (1, 2)})
    assert settings.prices == {"amazon": Decimal("0.00001")}
    assert settings.account == "ekyc_default"
    assert asynchronous(EkycHook()) == settings


@pytest.mark.parametrize(
    ("where", "base_url"),
    [
        ("api.example", "https://api.example"),
        ("api.example:8443", "https://api.example:8443"),
        ("127.0.0.1:8900/http", "http://127.0.0.1:8900"),
        ("http://127.0.0.1:8900", "http://127.0.0.1:8900"),
        (quote("https://api.example/gateway", safe=""), "https://api.example/gateway"),
    ],
)
def test_a_connection_as_a_uri(monkeypatch: pytest.MonkeyPatch, where: str, base_url: str) -> None:
    key = "made/up+key@with:signs"
    texts = {"row_limits": "amazon=1-2", "prices": "amazon=0.001, ws=1e-05", "account": "a b"}
    query = urlencode({"read_timeout": "5", "verify": "false", **texts})
    scheme, _, host = where.rpartition("://")
    define(monkeypatch, f"ekyc://{scheme + '://' if scheme else ''}:{quote(key, safe='')}@{host}?{query}")
    settings = EkycHook().settings
    assert (settings.base_url, settings.api_key) == (base_url, key)
    assert (settings.read_timeout, settings.verify, settings.row_limits) == (5, False, {"amazon": (1, 2)})
    assert settings.prices == {"amazon": Decimal("0.001"), "ws": Decimal("0.00001")}
    assert settings.account == "a b"
    assert asynchronous(EkycHook()) == settings


@pytest.mark.parametrize("read", [lambda hook: hook.settings, asynchronous])
def test_a_missing_connection_is_reported_as_missing(read: Callable[[EkycHook], object]) -> None:
    with pytest.raises(EkycSettingsError, match="no connection 'no_such_connection'") as caught:
        read(EkycHook("no_such_connection"))
    assert "type ekyc" in caught.value.message
    assert caught.value.retryable, "it may be back: Airflow says the same when it could not look"


@pytest.mark.parametrize("read", [lambda hook: hook.settings, asynchronous])
def test_a_wrong_connection_is_named_and_its_key_is_not(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[EkycHook], object]
) -> None:
    define(monkeypatch, {"conn_type": "ekyc", "password": "made up key"}, "mine")
    with pytest.raises(EkycSettingsError, match="Connection 'mine': the API key") as caught:
        read(EkycHook("mine"))
    assert "made up" not in caught.value.message
    define(monkeypatch, {"conn_type": "ekyc", "password": API_KEY, "extra": {"timeout": 5}}, "mine")
    with pytest.raises(EkycSettingsError, match="unknown extra timeout"):
        read(EkycHook("mine"))


def test_the_settings_can_be_read_within_a_running_loop(sandbox: Sandbox, connect: Connect) -> None:
    connect(sandbox)

    async def read() -> list[object]:
        return list(await asyncio.gather(*(EkycHook().async_settings() for _ in range(5))))

    assert asyncio.run(read()) == [EkycHook().settings] * 5


def test_every_call_in_its_turn(sandbox: Sandbox, connect: Connect) -> None:
    connect(sandbox)
    hook = EkycHook()
    assert isinstance(hook.get_conn(), EkycClient)
    assert hook.get_conn() is hook.get_conn()
    assert hook.get_balance().balance == 1_000_000
    task = hook.submit(io.BytesIO(NUMBERS), len(NUMBERS))
    assert (task.status, task.total) == (TaskStatus.PENDING, 100)
    task = hook.get_task(task.ekyc_task_id)
    assert task.status is TaskStatus.EXPORTED
    assert task.result_url is not None
    with hook.open_result(task.result_url) as stream:
        whole = b"".join(stream.blocks)
    with hook.open_result(task.result_url, offset=10, etag=stream.head.etag) as rest:
        assert b"".join(rest.blocks) == whole[10:]
    assert sandbox.bill.submissions[0].task_type == "amazon"
    assert sandbox.key_leaks == 0
    hook.get_conn().close()


def test_the_caps_of_the_retries_are_passed_on(sandbox: Sandbox, connect: Connect) -> None:
    connect(sandbox, password="another-made-up-key")
    sandbox.fault("balance", "status", status=503, times=2)
    with pytest.raises(EkycAuthenticationError):
        EkycHook(retries=Retries(attempts=3, first_wait=0)).get_balance()
    assert sandbox.calls["balance"] == 3


def test_a_connection_that_works_says_so_with_host_and_balance(sandbox: Sandbox, connect: Connect) -> None:
    connect(sandbox)
    port = sandbox.url.rpartition(":")[2]
    said = f"127.0.0.1, port {port}: the API accepts the key. Balance: 1,000,000.00."
    assert EkycHook().test_connection() == (True, said)
    assert sandbox.calls == {"submit": 0, "status": 0, "balance": 1, "result": 0, "other": 0}


def test_a_connection_that_does_not_work_says_why_at_once(
    sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(sandbox, password="another-made-up-key")
    works, why = EkycHook().test_connection()
    assert not works
    assert "Check the API key." in why
    assert "another-made-up-key" not in why
    connect(sandbox)
    sandbox.fault("balance", "status", status=503)
    works, why = EkycHook().test_connection()
    assert (works, sandbox.calls["balance"]) == (False, 2)
    assert "503" in why
    define(monkeypatch, {"conn_type": "ekyc", "host": sandbox.url})
    assert EkycHook().test_connection() == (False, "No API key; put it in the password field.")
    sandbox.stop()
    connect(sandbox)
    works, why = EkycHook().test_connection()
    assert not works
    assert "refuses connections. Check the port" in why


def test_a_connection_without_an_entry_does_not_work() -> None:
    works, why = EkycHook("no_such_connection").test_connection()
    assert not works
    assert why == "Airflow can't read this connection. Check the base URL, the port (1 to 65535) and the extra."


def test_a_field_that_is_wrong_is_named_and_the_id_of_the_test_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for connection, said in (
        ({"host": "https://api.example", "port": 99_999, "password": API_KEY}, "Port must be from 1 to 65535"),
        ({"host": "ftp://api.example", "password": API_KEY}, "Host must be the base URL of the API"),
        ({"password": API_KEY, "extra": {"timeout": 5}}, "Unknown extra timeout; known are account"),
        ({"password": API_KEY, "extra": "[1]"}, "The extra must be a JSON object."),
        ({"password": API_KEY, "extra": "[]"}, "The extra is not a JSON object."),
        ({"password": API_KEY, "extra": '{"account": '}, "The extra is not a JSON object."),
        ({"password": "made up key"}, "The API key (password) contains blanks"),
    ):
        define(monkeypatch, {"conn_type": "ekyc", **connection}, "qzx7")
        works, why = EkycHook("qzx7").test_connection()
        assert not works
        assert why.startswith(said)
        assert "qzx7" not in why
        assert "retry" not in why


@pytest.mark.parametrize("read", [lambda hook: hook.settings, asynchronous])
@pytest.mark.parametrize("extra", ["", " ", "{}", "{ }", "{\n}", "null"])
def test_an_extra_without_values_may_be_written_in_any_way(
    extra: str, read: Callable[[EkycHook], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, {"conn_type": "ekyc", "password": API_KEY, "extra": extra})
    settings = read(EkycHook())
    assert isinstance(settings, EkycSettings)
    assert settings.base_url == "https://api.ekycpro.com"


@pytest.mark.parametrize(
    ("host", "warns"),
    [
        ("http://api.example", True),
        ("http://127.evil.example", True),
        ("http://127.0.0.1:8900", False),
        ("http://localhost:8900", False),
        ("https://api.example", False),
    ],
)
def test_plain_http_to_another_machine_is_logged_as_a_warning(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    host: str,
    warns: bool,
) -> None:
    define(monkeypatch, {"conn_type": "ekyc", "host": host, "password": API_KEY})
    assert EkycHook().settings.base_url == host
    # Airflow 3 logs by structlog, which writes past the handlers of logging.
    shown = caplog.text + "".join(capsys.readouterr())
    assert ("travel unencrypted" in shown) is warns
    assert API_KEY not in shown
