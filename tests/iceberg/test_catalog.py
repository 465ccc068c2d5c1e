"""The catalog of an Airflow connection: what a worker must have, and what a connection must say."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog

from airflow_provider_ekyc.exceptions import EkycNoConnectionError, EkycSettingsError
from airflow_provider_ekyc.iceberg import catalog as opening
from airflow_provider_ekyc.iceberg.catalog import CatalogConnection, read_table_name, unmet_requirement
from airflow_provider_ekyc.iceberg.failures import CatalogCallError
from dev.stack.processes import free_ports
from dev.testing.rest_catalog import RestCatalogServer
from tests.iceberg.conftest import TABLE, connect


def test_what_the_hook_opens(catalog: Catalog) -> None:
    opened = CatalogConnection("iceberg_default")

    assert isinstance(opened.open(), SqlCatalog)
    assert opened.load_table(TABLE) is None


def test_rest_is_what_a_connection_without_a_type_means(
    rest: RestCatalogServer, sql: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, **{**{name: value for name, value in sql.items() if name != "type"}, "uri": rest.url})

    assert isinstance(CatalogConnection("iceberg_default").open(), RestCatalog)
    assert rest.calls["config"] == 1


def test_a_connection_that_is_not_there() -> None:
    with pytest.raises(EkycNoConnectionError, match=r"no connection 'not_there'.*type iceberg"):
        CatalogConnection("not_there").open()


def test_a_catalog_that_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, uri=f"http://127.0.0.1:{free_ports(1)[0]}")

    with pytest.raises(CatalogCallError) as caught:
        CatalogConnection("iceberg_default").open()

    assert caught.value.problem.retryable


def test_a_type_of_catalog_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, uri="http://127.0.0.1", type="rust")

    with pytest.raises(CatalogCallError) as caught:
        CatalogConnection("iceberg_default").open()

    assert caught.value.problem.advice == "Correct the connection's URI and its extra."
    assert not caught.value.problem.retryable


@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ({}, "no apache-airflow-providers-apache-iceberg: pip install 'airflow-provider-ekyc[iceberg]'"),
        ({"apache-airflow-providers-apache-iceberg": "1.4.1"}, "no pyiceberg"),
        (
            {"apache-airflow-providers-apache-iceberg": "1.4.1", "pyiceberg": "0.9.0"},
            "1.4.1, whose IcebergHook",
        ),
        ({"apache-airflow-providers-apache-iceberg": "unreadable", "pyiceberg": "0.9.0"}, "unreadable, whose"),
    ],
)
def test_a_worker_that_can_not_open_one(
    versions: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(opening, "version", version)

    assert problem in str(unmet_requirement())
    with pytest.raises(EkycSettingsError, match="No request was sent"):
        CatalogConnection("iceberg_default").open()


def test_this_worker_can() -> None:
    assert unmet_requirement() is None
    assert "airflow_provider_ekyc.iceberg.catalog" in sys.modules


@pytest.mark.parametrize("name", ["ekyc.results", "a.b.c"])
def test_names_of_tables(name: str) -> None:
    assert read_table_name("iceberg_table", name) == name


@pytest.mark.parametrize("name", ["results", "", None, "None", 7, ".results", "ekyc."])
def test_names_without_a_namespace(name: object) -> None:
    with pytest.raises(EkycSettingsError, match="iceberg_table"):
        read_table_name("iceberg_table", name)
