"""What the form says about a connection, with real sockets: which of name, port, TLS, proxy page and key is wrong."""

from __future__ import annotations

import contextlib
import errno
import json
import pickle
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import urllib3

from airflow_provider_ekyc.api import connection_check
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.connection_check import check_connection, field_problem
from airflow_provider_ekyc.api.settings import EkycSettings, read_settings
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.tls import Certificate, make_certificate
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import ScriptedServer, SocketServer, answer
from tests.api.conftest import API_KEY, settings_for, settings_of

KEY_IS_RIGHT = json.dumps({"balance": 12.5}).encode()
JSON = "Content-Type: application/json"


def says(settings: EkycSettings) -> str:
    """Return why a connection does not work; the sentences are for a form."""
    works, why = check_connection(settings)
    assert not works
    assert API_KEY not in why
    for word in ("clear this task", "retry", "Traceback", "http://127", "object at 0x", "made_up"):
        assert word not in why, f"{word!r} is not for a form: {why}"
    return why


def place(server: Any) -> str:
    return f"127.0.0.1, port {server.port}"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else gets."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_right_key_is_answered_with_host_and_balance(either_sandbox: Sandbox) -> None:
    works, said = check_connection(settings_of(either_sandbox))
    port = either_sandbox.url.rpartition(":")[2]
    assert (works, said) == (True, f"127.0.0.1, port {port}: the API accepts the key. Balance: 1,000,000.00.")
    assert either_sandbox.calls == {"submit": 0, "status": 0, "balance": 1, "result": 0, "other": 0}


@pytest.mark.parametrize(("seconds", "waited"), [((60, 70), (15, 15)), ((1, 2), (1, 2))])
def test_nobody_waits_longer_before_a_form_than_15_seconds_for_each_of_the_two(
    sandbox: Sandbox, seconds: tuple[float, float], waited: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    class Recorded(EkycClient):
        def __init__(self, settings: EkycSettings) -> None:
            used.append((settings.connect_timeout, settings.read_timeout))
            super().__init__(settings)

    monkeypatch.setattr(connection_check, "EkycClient", Recorded)
    connect, read = seconds
    assert check_connection(settings_of(sandbox, connect_timeout=connect, read_timeout=read))[0]
    assert used == [waited]


def test_a_wrong_key(sandbox: Sandbox) -> None:
    sandbox_settings = settings_of(sandbox)
    wrong = settings_for(sandbox.url, key="another-made-up-key")
    assert check_connection(sandbox_settings)[0]
    why = says(wrong)
    assert "the API does not accept this key (401). Check the API key." in why
    assert "another-made-up-key" not in why


def test_a_name_that_is_not_known() -> None:
    why = says(settings_for("https://no-such-host.invalid"))
    assert why == "The name no-such-host.invalid can't be resolved. Check the base URL, and this machine's DNS."


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_is_refused(scheme: str, closed_port: int) -> None:
    why = says(settings_for(f"{scheme}://127.0.0.1:{closed_port}"))
    assert why == (
        f"127.0.0.1, port {closed_port} refuses connections. Check the port: 443 is usual for https://, 80 for "
        f"http://. Or the server is down."
    )


def test_plain_http_on_a_tls_port(tls_sandbox: Sandbox) -> None:
    why = says(settings_for(tls_sandbox.url.replace("https", "http")))
    assert "try https://" in why or "Write https://" in why


@pytest.mark.parametrize(
    "body",
    [
        b"<html>The plain HTTP request was sent to HTTPS port</html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
    ],
)
def test_a_server_that_says_that_it_expects_tls(body: bytes) -> None:
    with ScriptedServer(answer("400 Bad Request", body)) as server:
        assert says(settings_for(server.url)) == f"{place(server)} expects TLS. Write https:// into the base URL."


def test_a_tls_alert_in_place_of_an_answer() -> None:
    with SocketServer(lambda line: line.sendall(b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n")) as server:
        assert says(settings_for(server.url)) == f"{place(server)} expects TLS. Write https:// into the base URL."


def test_https_on_a_port_without_tls(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    assert says(settings_for(f"https://127.0.0.1:{port}")).startswith(
        f"127.0.0.1, port {port} does not speak TLS. Check"
    )


def test_a_server_that_refuses_the_version_of_tls() -> None:
    def refuse(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(b"\x15\x03\x03\x00\x02\x02\x46")  # the alert protocol_version
        line.recv(1)

    with SocketServer(refuse) as server:
        why = says(settings_for(server.url.replace("http:", "https:")))
    assert why == (
        f"{place(server)}: TLS failed (TLSV1_ALERT_PROTOCOL_VERSION). Check the port, and that the server supports "
        f"TLS 1.2 or later."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[SSL] record layer failure (_ssl.c:1006)", "{} does not speak TLS. Check the port: 443 is usual"),
        ("made-up words", "{}: TLS failed. Check the port, and that the server supports TLS 1.2 or later."),
    ],
)
def test_a_failure_of_tls_that_has_no_reason(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ssl.SSLError(text)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", fail)
    with SocketServer(lambda line: None) as server:
        assert says(settings_for(server.url.replace("http:", "https:"))).startswith(said.format(place(server)))


def test_a_port_of_another_protocol() -> None:
    def greet(line: socket.socket) -> None:
        line.sendall(b"220 mail.example ESMTP\r\n")
        with contextlib.suppress(OSError):
            line.recv(1000)

    with SocketServer(greet) as server:
        assert says(settings_for(server.url)) == f"{place(server)} does not speak HTTP. Check the port."


def test_a_server_that_hangs_up() -> None:
    with SocketServer(lambda line: None) as server:
        assert "the connection ended without an answer" in says(settings_for(server.url))


def test_an_answer_that_breaks_off() -> None:
    with ScriptedServer(answer("200 OK", b"{", JSON, length=100)) as server:
        assert "the connection ended without an answer" in says(settings_for(server.url))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_does_not_answer(scheme: str, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path) if scheme == "https" else None
    with SocketServer(lambda line: server.over.wait(10) and None, certificate=certificate) as server:
        trusted = {"ca_file": server.ca_file} if server.ca_file else {}
        why = says(settings_for(server.url, read_timeout=0.3, **trusted))
    assert why == (
        f"{place(server)} accepts the connection and does not answer within 0.3 s. Check the port, and whether it is "
        f"that of {scheme}."
    )


def test_a_network_that_can_not_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert says(settings_for("http://127.0.0.1:9")) == (
        "127.0.0.1, port 9 can't be reached (OSError: Network is unreachable). Check the base URL."
    )


def test_a_host_that_drops_what_is_sent_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # A full backlog: the kernel drops the next connection, as a firewall does.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
            why = says(settings_for(f"http://127.0.0.1:{port}", connect_timeout=0.5))
    assert why.startswith(f"127.0.0.1, port {port} can't be reached within 0.5 s.")


def test_a_certificate_of_an_authority_that_is_not_trusted(tls_sandbox: Sandbox) -> None:
    why = says(settings_for(tls_sandbox.url))
    assert "its TLS certificate is from an authority that is not trusted" in why
    assert "CA file" in why


def test_a_certificate_for_another_name(tls_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host == "a.example" else host, *rest, **more),
    )
    other = tls_sandbox.url.replace("127.0.0.1", "a.example")
    why = says(settings_for(other, ca_file=str(tls_sandbox.ca_file)))
    assert "its TLS certificate is for another name. Check the base URL." in why


@pytest.mark.parametrize(("days", "when"), [((-9, -1), "has expired"), ((1, 9), "is not valid yet")])
def test_a_certificate_of_another_time(tmp_path: Path, days: tuple[int, int], when: str) -> None:
    certificate = certificate_of(tmp_path, *days)
    with SocketServer(lambda line: None, certificate=certificate) as server:
        why = says(settings_for(server.url, ca_file=str(certificate.ca_file)))
    assert why.startswith(f"{place(server)}: its TLS certificate {when}. Check this machine's clock")


def certificate_of(folder: Path, first: int, last: int) -> Certificate:
    """Make a certificate that is its own authority, from one day to another, counted from now."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made up")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=first))
        .not_valid_after(now + timedelta(days=last))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(cert_file, key_file, cert_file)


def test_a_file_of_authorities_that_is_none(tls_sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("made up")
    assert "The connection's ca_file names" in says(settings_for(tls_sandbox.url, ca_file=str(tmp_path / "ca.pem")))


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "403 Forbidden", "401 Unauthorized"])
def test_a_page_of_a_proxy_or_a_sign_in(status: str) -> None:
    page = answer(status, b"<html><title>Sign in</title></html>", "Content-Type: text/html")
    with ScriptedServer(page) as server:
        why = says(settings_for(server.url))
    assert why == (
        f"{place(server)} answers with an HTML page ({status[:3]}), so it is not the eKYC API: a proxy, a sign-in page "
        f"or another server. Check the base URL and the port."
    )


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.example/start?token=made-up", " to https://login.example"),
        ("http://login.example/", " to http://login.example"),
        ("https://user:made-up@login.example:8443/", " to https://login.example:8443"),
        ("/login?token=made-up", ""),
        ("https://<script>made-up", ""),
        ("https://x.example:made-up/", " to https://x.example"),
        ("https://[made-up]/", ""),
        ("//[made-up", ""),
    ],
)
def test_a_redirect_is_not_followed_and_its_query_not_shown(location: str, shown: str) -> None:
    with ScriptedServer(answer("302 Found", b"", f"Location: {location}")) as server:
        why = says(settings_for(server.url))
    assert why.startswith(f"{place(server)} answers with a redirect{shown} (302), which is not followed.")
    assert "made-up" not in why


@pytest.mark.parametrize("status", ["300 Multiple Choices", "301 Moved Permanently", "399 Made Up"])
def test_any_code_from_300_to_399_is_a_redirect(status: str) -> None:
    with ScriptedServer(answer(status, b'{"error": "busy"}', JSON)) as server:
        assert f"answers with a redirect ({status[:3]}), which is not followed" in says(settings_for(server.url))


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed"])
def test_a_server_that_has_no_such_api(status: str) -> None:
    with ScriptedServer(answer(status, b"<html>none</html>", "Content-Type: text/html")) as server:
        assert says(settings_for(server.url)) == (
            f"{place(server)} answers, and has no eKYC API at this address ({status[:3]}). Check the base URL and its "
            f"path."
        )


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed"])
def test_an_api_without_a_balance_query(status: str) -> None:
    with ScriptedServer(answer(status, b'{"error": "no such path"}', JSON)) as server:
        assert f"has no balance query at this address ({status[:3]})" in says(settings_for(server.url))


@pytest.mark.parametrize("body", [b'{"hello": "world"}', b'{"message": "busy"}'])
def test_json_without_a_balance_is_that_of_another_api(body: bytes) -> None:
    with ScriptedServer(answer("200 OK", body, JSON)) as server:
        assert "answers with JSON that is not the API's (200)" in says(settings_for(server.url))


@pytest.mark.parametrize("status", ["503 Service Unavailable", "500 Internal Server Error", "429 Too Many Requests"])
def test_an_api_that_can_not_answer_now(status: str) -> None:
    with ScriptedServer(answer(status, b'{"error": "busy"}', JSON)) as server:
        why = says(settings_for(server.url))
    assert why == (
        f"{place(server)} is reached and can't answer now ({status[:3]}), so the key was not checked. Test again later."
    )


def test_an_empty_account() -> None:
    with ScriptedServer(answer("402 Payment Required", b'{"error": "insufficient balance"}', JSON)) as server:
        why = says(settings_for(server.url))
    assert why == (
        f"{place(server)}: the API accepts the key; the account's balance is too low (402). Top it up. It says: "
        f'"insufficient balance"'
    )


def test_a_key_that_is_quoted_back_is_not_shown() -> None:
    quoted = json.dumps({"error": f"unknown key {API_KEY.upper()}"}).encode()
    with ScriptedServer(answer("401 Unauthorized", quoted, JSON)) as server:
        assert says(settings_for(server.url)).endswith('Check the API key. It says: "unknown key ***"')


def test_a_proxy_that_refuses_connections(closed_port: int) -> None:
    for scheme in ("http", "https"):
        why = says(settings_for(f"{scheme}://api.example", proxy=f"http://user:made-up@127.0.0.1:{closed_port}"))
        assert why.startswith(f"The proxy 127.0.0.1, port {closed_port} refuses connections.")
        assert "made-up" not in why


@pytest.mark.parametrize(
    ("proxy", "port"),
    [
        ("http://no-such-proxy.invalid:3128", 3128),
        ("http://no-such-proxy.invalid", 80),
        ("https://no-such-proxy.invalid", 443),
    ],
)
def test_a_proxy_whose_name_is_not_known(proxy: str, port: int) -> None:
    why = says(settings_for("https://api.example", proxy=proxy))
    assert why.startswith(f"The proxy no-such-proxy.invalid, port {port}: its name can't be resolved.")


def test_a_failure_behind_a_proxy_names_the_proxy(tls_sandbox: Sandbox) -> None:
    with http_proxy() as running:
        why = says(settings_for(tls_sandbox.url, proxy=running.url))
    assert "its TLS certificate is from an authority that is not trusted" in why
    assert why.endswith(f" The proxy {running.url.removeprefix('http://').replace(':', ', port ')} is used.")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_other_credentials(scheme: str) -> None:
    with http_proxy(refuse="407 Proxy Authentication Required") as running:
        why = says(settings_for(f"{scheme}://api.example", proxy=running.url))
    assert why.startswith("The proxy 127.0.0.1, port ")
    assert "wants other credentials (407). Put them into the proxy's URL." in why


def test_a_proxy_that_does_not_let_through() -> None:
    with http_proxy(refuse="403 Forbidden") as running:
        why = says(settings_for("https://api.example", proxy=running.url))
    assert "refuses a connection to api.example, port 443 (403)" in why


def test_a_proxy_that_nobody_named_wants_credentials() -> None:
    with ScriptedServer(answer("407 Proxy Authentication Required", b"")) as server:
        why = says(settings_for(server.url))
    assert why == "The proxy before the API wants other credentials (407). Put them into the proxy's URL."


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://127.0.0.1:99999", "http://"])
def test_a_proxy_of_the_environment_that_can_be_none(scheme: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    why = says(settings_for(f"{scheme}://api.example"))
    assert why == "The proxy before the API can't be used. Check the field Proxy, or HTTP_PROXY and HTTPS_PROXY."


def test_a_host_that_requests_refuses_is_not_a_matter_of_the_proxy() -> None:
    """Python's own codec encodes a snowman; requests knows the newer rules, by which it is in no name."""
    why = says(settings_for("https://\u2603.example"))
    assert why.startswith("\u2603.example, port 443: ")
    assert "proxy" not in why.lower()


def test_a_page_that_came_through_a_proxy_names_it() -> None:
    page = answer("200 OK", b"<html>blocked</html>", "Content-Type: text/html")
    with ScriptedServer(page) as server:
        why = says(settings_for("http://api.example", proxy=server.url))
    assert why.startswith("api.example, port 80 answers with an HTML page (200)")
    assert f"It came through the proxy {place(server)}." in why


def test_plain_http_to_another_machine_is_named() -> None:
    with ScriptedServer(answer("200 OK", KEY_IS_RIGHT, JSON)) as server:
        works, said = check_connection(settings_for("http://api.example", proxy=server.url))
    assert works
    assert said.startswith(
        "api.example, port 80: the API accepts the key. Balance: 12.50. The connection is not encrypted"
    )


@pytest.mark.parametrize("status", ["400 Bad Request", "418 Refused"])
@pytest.mark.parametrize(("body", "said"), [(b'{"error": "busy"}', ' It says: "busy"'), (b'{"task_id": "x"}', "")])
def test_another_refusal_is_shown_with_its_code(status: str, body: bytes, said: str) -> None:
    with ScriptedServer(answer(status, body, JSON)) as server:
        why = says(settings_for(server.url))
    assert why == f"{place(server)}: the API refused the balance query ({status[:3]}).{said}"


def test_each_cause_of_a_failure_is_looked_at_once() -> None:
    outer, cause, context = OSError("outer"), OSError("cause"), OSError("context")
    reason, argument = OSError("reason"), OSError("argument")
    outer.__cause__, outer.__context__, outer.args = cause, context, (argument,)
    cause.__cause__ = urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool("x.example"), "/", reason)
    context.__cause__ = outer
    found = list(islice(connection_check._causes(outer), 10))
    assert found == [outer, cause, context, argument, cause.__cause__, reason]


def test_a_problem_of_a_connection_is_shown_without_its_id() -> None:
    with pytest.raises(EkycSettingsError) as failed:
        read_settings("made_up", host=None, password=API_KEY, extra={"prices": "amazon"})
    assert field_problem(failed.value).startswith("Prices must look like")
    assert field_problem(EkycSettingsError("made-up words")) == "Made-up words"


def test_a_connection_problem_that_was_sent_to_another_process_keeps_its_message() -> None:
    with pytest.raises(EkycSettingsError) as failed:
        read_settings("made_up", host=None, password=API_KEY, extra={"prices": "amazon"})
    other = pickle.loads(pickle.dumps(failed.value))
    assert (type(other), other.message) == (EkycSettingsError, failed.value.message)
