from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.benchmarks.move_data import Archive, Size, archive
from dev.benchmarks.move_servers import Servers


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive larger than the servers' buffers."""
    return archive(Size("a-task", 200_000, 1), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """One that is not."""
    return archive(Size("small", 500, 6), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def servers(made: Archive, small: Archive) -> Iterator[Servers]:
    with Servers([made, small]) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_other_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ca_file(servers: Servers) -> Path:
    return servers.ca_file
