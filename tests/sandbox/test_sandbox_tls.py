from __future__ import annotations

import shutil
import sys

import pytest
import requests

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.tls import Certificate
from tests.sandbox.sandbox_callers import API_KEY, table


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_authority_gets_through(call_up, host):
    caller = call_up(tls=True)
    assert caller.sandbox.url.startswith("https://127.0.0.1:")
    answer = caller.get(f"{caller.sandbox.url.replace('127.0.0.1', host)}/v1/balance", headers=caller.key)
    assert answer.status_code == 200


def test_a_sandbox_that_is_started_again_has_a_certificate_of_its_own():
    sandbox = Sandbox(API_KEY, tls=True)
    for _ in range(2):
        with sandbox:
            answer = requests.get(
                f"{sandbox.url}/v1/balance", headers={"X-API-Key": API_KEY}, verify=str(sandbox.ca_file), timeout=10
            )
            assert answer.status_code == 200


def test_a_client_that_does_not_is_refused(call_up):
    caller = call_up(tls=True)
    caller.session.verify = True
    with pytest.raises(requests.exceptions.SSLError):
        caller.balance()
    assert caller.sandbox.calls["balance"] == 0


def test_results_come_over_https_as_well(call_up):
    caller = call_up(tls=True)
    url = caller.result_url()
    assert url.startswith("https://")
    assert len(table(caller.get(url).content)) == 101


def test_one_s_own_certificate_is_used(call_up, tmp_path):
    maker = call_up(tls=True)
    for name in ("ca.pem", "server.pem", "server.key"):
        shutil.copy(maker.sandbox.ca_file.parent / name, tmp_path)
    own = Certificate(tmp_path / "server.pem", tmp_path / "server.key")
    caller = call_up(certificate=own)
    assert caller.sandbox.ca_file is None
    caller.session.verify = str(tmp_path / "ca.pem")
    assert caller.balance().status_code == 200


def test_a_missing_certificate_is_an_error_and_leaves_nothing(tmp_path):
    place = tmp_path / "sandbox"
    (tmp_path / "own.pem").touch()
    absent = Certificate(tmp_path / "own.pem", tmp_path / "absent.key")
    with pytest.raises(OSError, match=r"No such file or directory: '.*absent\.key'"):
        Sandbox(API_KEY, certificate=absent, data_dir=place).start()
    assert not place.exists()


def test_without_cryptography_it_says_what_to_install_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    place = tmp_path / "sandbox"
    with pytest.raises(ModuleNotFoundError) as missing:
        Sandbox(API_KEY, tls=True, data_dir=place).start()
    assert str(missing.value) == "TLS needs cryptography: pip install 'airflow-provider-ekyc[sandbox]'"
    assert not place.exists()
