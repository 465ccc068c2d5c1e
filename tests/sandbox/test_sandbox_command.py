"""
The command `ekyc-sandbox`.

Modules: ``sandbox/command.py``, ``sandbox/server.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.sandbox.sandbox_callers import numbers

COMMAND = [sys.executable, "-m", "airflow_provider_ekyc.sandbox"]


@contextmanager
def running(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        lines = []
        while not lines or "listening on" not in lines[-1]:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line.rstrip("\n"))
        yield process, lines
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_goes_without_a_trace(tmp_path, number):
    place = tmp_path / "data"
    options = ["--api-key", "made-up-key", "--data-dir", str(place), "--verbose", "--pace", "50"]
    with running(*options) as (process, (line,)), requests.Session() as session:
        session.trust_env = False
        prefix, url = line.rsplit(" ", 1)
        assert prefix == "ekyc-sandbox listening on"
        key = {"X-API-Key": "made-up-key"}
        files = {"file": ("n.txt", numbers(100))}
        created = session.post(f"{url}/v1/tasks", headers=key, files=files, data={"task_type": "amazon"}, timeout=10)
        assert created.status_code == 200
        form = {"task_id": created.json()["task_id"]}
        asked = session.post(f"{url}/v1/gettasks?number=99900000000", headers=key, data=form, timeout=10)
        assert asked.json()["status"] == "processing"
        assert list(place.iterdir())
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert not place.exists()
        assert "submit 200" in err
        for secret in ("made-up-key", "99900000", "number="):
            assert secret not in out + err


def test_it_speaks_tls_and_takes_the_key_from_the_environment(tmp_path):
    with running("--tls", EKYC_SANDBOX_API_KEY="made-up-key") as (_, (ca_line, line)):
        ca_file = ca_line.removeprefix("ekyc-sandbox ca file ")
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"{line.split()[-1]}/v1/balance",
                headers={"X-API-Key": "made-up-key"},
                verify=ca_file,
                timeout=10,
            )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--api-key"),
        (["--api-key", "k", "--host", "0.0.0.0"], "loopback"),
        (["--api-key", "k", "--port", "70000"], "port 70000 is not between 0 and 65535"),
        (["--api-key", "k", "--pace", "-1"], "pace"),
        (["--api-key", "k", "--row-limits", "amazon"], "TYPE=FEWEST-MOST"),
        (["--api-key", "k", "--balance", "much"], "not an amount"),
        (["--api-key", "k", "--tls-cert", "x.pem"], "go together"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(capsys, monkeypatch, options, said):
    from airflow_provider_ekyc.sandbox.command import KEY_VARIABLE, main

    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def signals_restored() -> Iterator[None]:
    """The handlers of this process, which the command replaces, are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_restored")
def test_a_sandbox_that_cannot_start_is_one_line_and_status_1(caller, capsys, tmp_path):
    from airflow_provider_ekyc.sandbox.command import main

    port, place = caller.sandbox.url.rpartition(":")[2], tmp_path / "data"
    assert main(["--api-key", "made-up-key", "--port", port, "--data-dir", str(place)]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("ekyc-sandbox: ")
    assert "in use" in err
    assert not place.exists()


@pytest.mark.usefixtures("signals_restored")
def test_tls_without_cryptography_says_what_to_install(capsys, monkeypatch):
    from airflow_provider_ekyc.sandbox.command import main

    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert main(["--api-key", "made-up-key", "--port", "0", "--tls"]) == 1
    said = "ekyc-sandbox: TLS needs cryptography: pip install 'airflow-provider-ekyc[sandbox]'\n"
    assert capsys.readouterr() == ("", said)


def test_options_are_settings():
    from airflow_provider_ekyc.sandbox.command import make_parser
    from airflow_provider_ekyc.sandbox.settings import Settings

    options = vars(make_parser().parse_args([]))
    server = {"host", "port", "api_key", "tls", "tls_cert", "tls_key", "data_dir", "verbose"}
    assert options.keys() - server <= Settings.__dataclass_fields__.keys()
