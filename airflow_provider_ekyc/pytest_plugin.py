"""
The pytest plugin that this package installs: the fixture ``ekyc_sandbox`` and its marker.

pytest imports this module in each project in whose environment the package is (entry point ``pytest11``). So it
imports nothing but pytest until a test asks for the fixture, adds no option, and no fixture that is used by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ekyc.sandbox import Sandbox

#: The key of the connection that the fixture makes. It opens nothing but the sandbox of the test.
API_KEY = "made-up-key-of-the-sandbox"

_MARKER = (
    "ekyc_sandbox(conn_id='ekyc_default', extra={}, **settings): for the fixture ekyc_sandbox: the id and further "
    "extras of the connection, and arguments of airflow_provider_ekyc.sandbox.Sandbox, such as pace=50 or tls=True."
)
_LOOPBACK = ("127.0.0.1", "localhost")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that ``--strict-markers`` accepts it.

    :param config: of the run
    """
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def ekyc_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a running sandbox of the eKYC API, to which the connection ``ekyc_default`` leads during the test.

    It listens on a free port of 127.0.0.1 and ends with the test, which can read ``ekyc_sandbox.bill`` and ``.tasks``
    and switch faults on with ``ekyc_sandbox.fault(...)``. The connection is set by the environment variable
    ``AIRFLOW_CONN_<ID>``, and loopback addresses are added to ``NO_PROXY``; both are as before when the test has
    ended. The marker ``@pytest.mark.ekyc_sandbox(...)`` of a test, a class or a module changes the sandbox.

    :param request: of the test, whose marker is read
    :param monkeypatch: sets the environment
    :return: the running :class:`~airflow_provider_ekyc.sandbox.sandbox.Sandbox`
    :raises ValueError: for settings that can't be meant
    """
    from airflow_provider_ekyc.sandbox import Sandbox

    marker = request.node.get_closest_marker("ekyc_sandbox")
    conn_id, extra, settings = _arguments(*marker.args, **marker.kwargs) if marker else _arguments()
    with Sandbox(API_KEY, **settings) as sandbox:
        connection = sandbox.connection(**extra)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        # requests reads the lower-case name first, aiohttp and others the upper-case one.
        for name in ("no_proxy", "NO_PROXY"):
            hosts = filter(None, (os.environ.get(name), *_LOOPBACK))
            monkeypatch.setenv(name, ",".join(hosts))
        yield sandbox


def _arguments(
    conn_id: str = "ekyc_default", extra: dict[str, Any] | None = None, **settings: Any
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the marker's arguments: the connection's id and extras, and the rest, which is the sandbox's."""
    return conn_id, extra or {}, settings
