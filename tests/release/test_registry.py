"""``.airflow-registry.yaml`` names what is public, where it is."""

from __future__ import annotations

from typing import Any

import yaml

from airflow_provider_ekyc.get_provider_info import get_provider_info
from dev.release.bounds import ROOT, project
from dev.release.public_names import CALLABLES, CLASSES, OPERATORS

REGISTRY: dict[str, Any] = yaml.safe_load((ROOT / ".airflow-registry.yaml").read_text())
KINDS = ("hooks", "operators", "sensors", "triggers", "transfers", "notifications", "other")


def test_it_says_what_the_metadata_says() -> None:
    info = get_provider_info()
    assert REGISTRY["package-name"] == info["package-name"] == project()["name"]
    assert REGISTRY["display-name"] == info["name"]
    urls = project()["urls"]
    assert (REGISTRY["docs-url"], REGISTRY["source-url"]) == (urls["Documentation"], urls["Source"])


def test_it_lists_each_public_class_once() -> None:
    assert set(REGISTRY) == {"package-name", "display-name", "description", "docs-url", "source-url", *KINDS}
    listed = [entry["module"] for kind in KINDS for entry in REGISTRY[kind]]
    public = {f"{module}.{name}" for name, module in {**OPERATORS, **CALLABLES, **CLASSES}.items()}
    assert sorted(listed) == sorted(public - {"airflow_provider_ekyc.sandbox.Sandbox"})
    assert all(entry["description"] for kind in KINDS for entry in REGISTRY[kind])
