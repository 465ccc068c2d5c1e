"""``docs/public_api.md`` lists what is public, as the code has it."""

from __future__ import annotations

import importlib
import inspect

import pytest

from airflow_provider_ekyc import sandbox
from airflow_provider_ekyc.get_provider_info import get_provider_info
from dev.release import public_api
from dev.release.public_api import MARKER, PAGE, page_with, public_list
from dev.release.public_names import CALLABLES, CLASSES, NAMED, NOT_PUBLIC, OPERATORS, RECORDS

NAMES = {**OPERATORS, **CALLABLES, **CLASSES, **RECORDS, **NAMED}


def test_the_page_lists_what_the_code_has() -> None:
    listed = PAGE.read_text().partition(MARKER)[2].strip().splitlines()
    assert listed == public_list().strip().splitlines(), "run: .venv/bin/python -m dev.release.public_api"


def test_each_public_name_of_the_providers_modules_is_listed() -> None:
    info = get_provider_info()
    modules = {module for kind in ("hooks", "operators", "sensors", "triggers") for module in _modules(info[kind])}
    modules |= {transfer["python-module"] for transfer in info["transfers"]}
    modules |= {name.rpartition(".")[0] for name in (*info["notifications"], *info["extra-links"])}
    unlisted = {
        name
        for module in modules
        for name, found in vars(importlib.import_module(module)).items()
        if not name.startswith("_")
        and (inspect.isclass(found) or inspect.isfunction(found))
        and found.__module__ == module
        and NAMES.get(name) != module
    }
    assert unlisted == set(NOT_PUBLIC)


def _modules(entries: list[dict[str, list[str]]]) -> list[str]:
    return [module for entry in entries for module in entry["python-modules"]]


def test_what_the_sandbox_exports_is_listed() -> None:
    assert {name for name, module in NAMES.items() if module == "airflow_provider_ekyc.sandbox"} == set(sandbox.__all__)


def test_each_listed_name_is_there() -> None:
    for name, module in NAMES.items():
        assert hasattr(importlib.import_module(module), name), name


def test_a_new_parameter_or_template_field_changes_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed:
        template_fields = ("numbers", "more")

        def __init__(self, *, numbers: str, more: bool = False) -> None: ...

    before = public_list()
    monkeypatch.setattr(public_api, "_load", lambda module, name: Changed)
    after = public_list()
    assert "| `more` | `bool` | `False` | yes |" in after
    assert "Template fields: `numbers, more`" in after
    assert "`more`" not in before


def test_the_list_replaces_what_is_below_the_marker_alone() -> None:
    page = page_with("made up\n")
    assert page.partition(MARKER)[0] == PAGE.read_text().partition(MARKER)[0]
    assert page.endswith(f"{MARKER}\n\nmade up\n")
