"""What Airflow learns of the package: the entry point, the connection form, and at what cost."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import jsonschema
import pytest
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager

import airflow_provider_ekyc
from airflow_provider_ekyc.airflow_sdk import conf
from airflow_provider_ekyc.api.settings import EXTRA_NAMES, EkycSettings, read_settings
from airflow_provider_ekyc.get_provider_info import get_provider_info
from airflow_provider_ekyc.hooks.ekyc import EkycHook

ROOT = Path(__file__).parents[2]


def schema(name: str) -> dict[str, Any]:
    text = resources.files("airflow").joinpath(name).read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture
def connection_type() -> dict[str, Any]:
    (only,) = get_provider_info()["connection-types"]
    found: dict[str, Any] = only
    return found


def test_the_entry_point_is_found() -> None:
    found = [
        point
        for point in metadata.entry_points(group="apache_airflow_provider")
        if point.dist is not None and point.dist.name == "airflow-provider-ekyc"
    ]
    assert len(found) == 1
    assert found[0].load() is get_provider_info


def test_the_info_is_what_airflow_takes() -> None:
    info = get_provider_info()
    jsonschema.validate(info, schema("provider_info.schema.json"))
    assert info == json.loads(json.dumps(info))
    assert info["versions"] == [airflow_provider_ekyc.__version__] == [metadata.version("airflow-provider-ekyc")]


def test_each_guide_is_a_page_that_is_there() -> None:
    info = get_provider_info()
    (integration,) = info["integrations"]
    guides = [*integration["how-to-guide"], *(transfer["how-to-guide"] for transfer in info["transfers"])]
    assert len(guides) == 9
    assert [guide for guide in guides if not (ROOT / guide.removeprefix("/")).is_file()] == []
    assert all(guide.startswith("/docs/") for guide in guides), "as Airflow's schema of a provider asks"


def test_a_deployment_names_its_journal_once(monkeypatch: pytest.MonkeyPatch) -> None:
    options = get_provider_info()["config"]["ekyc"]["options"]
    for name in ("journal_uri", "journal_conn_id", "runbook_url"):
        option = options[name]
        assert option["default"] == "", "not set"
        assert option["description"].strip()
        assert conf.get("ekyc", name, fallback="") == ""
    monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_URI", options["journal_uri"]["example"])
    assert conf.get("ekyc", "journal_uri", fallback="") == "s3://my-bucket/ekyc-journal"


def test_a_connection_names_a_journal() -> None:
    def read(extra: dict[str, str]) -> EkycSettings:
        return read_settings("c", host=None, password="made-up-key", extra=extra)

    assert read({"journal_uri": "s3://my-bucket/ekyc-journal"}).journal_uri == "s3://my-bucket/ekyc-journal"
    assert read({}).journal_uri is read({"journal_uri": ""}).journal_uri is None


def test_a_new_answer_each_time_so_that_nobody_changes_it_for_the_others() -> None:
    get_provider_info()["connection-types"][0]["conn-fields"].clear()
    assert get_provider_info()["connection-types"][0]["conn-fields"]


def test_every_module_that_is_named_is_there() -> None:
    info = get_provider_info()
    names = [name for kind in ("hooks", "operators", "sensors", "triggers") for name in info[kind][0]["python-modules"]]
    links = [name.rsplit(".", 1) for name in info["extra-links"]]
    assert [link for module, link in links if not hasattr(importlib.import_module(module), link)] == []
    names += [transfer["python-module"] for transfer in info["transfers"]]
    assert len(names) == 6
    for name in names:
        importlib.import_module(name)


def test_the_connection_type_is_the_hooks(connection_type: dict[str, Any]) -> None:
    assert connection_type["connection-type"] == EkycHook.conn_type
    assert connection_type["hook-name"] == EkycHook.hook_name
    assert connection_type["hook-class-name"] == f"{EkycHook.__module__}.{EkycHook.__qualname__}"


def test_every_extra_has_a_field_and_every_field_is_an_extra(connection_type: dict[str, Any]) -> None:
    assert set(connection_type["conn-fields"]) == set(EXTRA_NAMES)
    assert not set(EXTRA_NAMES) - set(EkycSettings.__dataclass_fields__)


def test_an_empty_form_is_a_connection_with_defaults(connection_type: dict[str, Any]) -> None:
    for empty in (None, ""):
        form = dict.fromkeys(connection_type["conn-fields"], empty)
        assert read_settings("c", host=None, password="made-up-key", extra=form) == read_settings(
            "c", host=None, password="made-up-key", extra={}
        )


def test_the_fields_are_well_formed_and_say_their_defaults(connection_type: dict[str, Any]) -> None:
    defaults = read_settings("c", host=None, password="made-up-key", extra={})
    for name, field in connection_type["conn-fields"].items():
        assert set(field) == {"label", "description", "schema"}
        jsonschema.Draft7Validator.check_schema(field["schema"])
        jsonschema.validate(None, field["schema"])
        if "number" in field["schema"]["type"]:
            assert f"({getattr(defaults, name):g})" in field["description"]


def test_the_key_is_in_no_field_that_airflow_shows_in_clear(connection_type: dict[str, Any]) -> None:
    assert connection_type["ui-field-behaviour"]["relabeling"]["password"] == "API key"
    assert not [name for name in connection_type["conn-fields"] if "key" in name or "password" in name]


def test_both_ways_to_say_how_fields_look_agree(connection_type: dict[str, Any]) -> None:
    older = EkycHook.get_ui_field_behaviour()
    jsonschema.validate(older, schema("customized_form_field_behaviours.schema.json"))
    assert {name.replace("_", "-"): value for name, value in older.items()} == connection_type["ui-field-behaviour"]
    shown = {"host", "password", "schema", "login", "port", "extra", "description"}
    assert set(older["hidden_fields"]) < shown
    assert not set(older["hidden_fields"]) & {*older["relabeling"], *older["placeholders"]}
    assert {*older["relabeling"], *older["placeholders"]} < shown


@pytest.fixture
def wtforms(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """What Airflow 3.0 and 3.1 put in place of WTForms and Flask-AppBuilder when these aren't installed."""
    forms, validators, babel, widgets = MagicMock(), MagicMock(), MagicMock(), MagicMock()
    forms.StringField = HookMetaService.MockStringField
    forms.IntegerField = HookMetaService.MockIntegerField
    forms.PasswordField = HookMetaService.MockPasswordField
    forms.BooleanField = HookMetaService.MockBooleanField
    validators.Optional = HookMetaService.MockOptional
    babel.lazy_gettext = str
    widgets.BS3TextFieldWidget = HookMetaService.MockAnyWidget
    for name, module in {
        "wtforms": forms,
        "wtforms.validators": validators,
        "flask_babel": babel,
        "flask_appbuilder": MagicMock(),
        "flask_appbuilder.fieldwidgets": widgets,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    return forms


def test_the_older_form_has_the_same_fields(connection_type: dict[str, Any], wtforms: Any) -> None:
    older = EkycHook.get_connection_form_widgets()
    newer = connection_type["conn-fields"]
    assert list(older) == list(newer)
    for name, widget in older.items():
        # ProvidersManager drops the whole connection type if a field is of another class.
        assert widget.field_class in (
            wtforms.IntegerField,
            wtforms.PasswordField,
            wtforms.StringField,
            wtforms.BooleanField,
        )
        shown = widget.param.dump()
        assert shown["schema"]["title"] == newer[name]["label"]
        assert shown["description"] == newer[name]["description"]
        assert shown["schema"]["type"] == ["string", "null"]


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")
def test_airflow_lists_the_connection_type_with_its_fields(connection_type: dict[str, Any]) -> None:
    manager = ProvidersManager()
    assert manager.providers["airflow-provider-ekyc"].version == airflow_provider_ekyc.__version__
    hook = manager.hooks["ekyc"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("eKYC", "ekyc_conn_id")
    assert hook.connection_testable
    prefix = "extra__ekyc__"
    fields = [name for name in manager.connection_form_widgets if name.startswith(prefix)]
    assert [name.removeprefix(prefix) for name in fields] == list(connection_type["conn-fields"])
    assert manager.field_behaviours["ekyc"]["hidden_fields"] == ["schema", "login"]
    (shown,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "ekyc"]
    assert shown.hook_name == "eKYC"
    assert set(shown.extra_fields or {}) == set(EXTRA_NAMES)
    assert shown.standard_fields is not None
    assert shown.standard_fields.host is not None
    assert shown.standard_fields.host.title == "Base URL"


def imported_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(run.stdout.split())


def test_the_info_is_light() -> None:
    modules = imported_by("import airflow_provider_ekyc.get_provider_info as info; info.get_provider_info()")
    assert not modules & {"airflow", "requests", "aiohttp", "boto3", "botocore", "tenacity", "urllib3", "ssl"}
    ours = {name for name in modules if name.startswith("airflow_provider_ekyc")}
    assert ours == {
        "airflow_provider_ekyc",
        "airflow_provider_ekyc.connection_form",
        "airflow_provider_ekyc.get_provider_info",
    }


def test_the_ground_floor_knows_no_airflow() -> None:
    for name in ("client", "aio", "settings", "protocol", "failures"):
        assert "airflow" not in imported_by(f"import airflow_provider_ekyc.api.{name}")


def test_the_protocol_knows_no_http_library() -> None:
    names = ("models", "protocol", "failures", "settings", "result_hosts", "result_stream")
    imports = "; ".join(f"import airflow_provider_ekyc.api.{name}" for name in names)
    assert not imported_by(imports) & {"requests", "urllib3", "aiohttp", "airflow"}
