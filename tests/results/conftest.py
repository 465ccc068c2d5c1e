"""What the results' tests share."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from unittest import mock

import botocore.loaders
import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """Read boto's own files once: each new client reads megabytes of JSON, a third of a second."""
    with mock.patch("botocore.loaders.create_loader", functools.cache(botocore.loaders.create_loader)):
        yield
