"""The catalog of an Airflow connection, through the official Iceberg provider's hook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_sdk import AirflowNotFoundException, BaseHook
from airflow_provider_ekyc.arguments import read_text
from airflow_provider_ekyc.exceptions import EkycNoConnectionError, EkycSettingsError
from airflow_provider_ekyc.iceberg.failures import explained

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

_PROVIDER = "apache-airflow-providers-apache-iceberg"
#: The first of which ``IcebergHook`` has ``catalog``: those before know only OAuth2 tokens.
_FIRST_MAJOR = 2
_INSTALL = "pip install 'airflow-provider-ekyc[iceberg]'"
#: Seconds to connect to a REST catalog, and between two bytes of its answer; after a time-out the table is looked at.
_TIMEOUTS = (10.0, 120.0)
#: Keys of a connection's extra whose values are not shown.
_SECRET = re.compile(r"secret|token|credential|password|key", re.IGNORECASE)


def unmet_requirement() -> str | None:
    """
    Return what this worker lacks for an Iceberg table, as a sentence; None if nothing.

    Versions are read from what is installed; nothing is imported.
    """
    try:
        installed = version(_PROVIDER)
        version("pyiceberg")
    except PackageNotFoundError as error:
        return f"This worker has no {error.name}: {_INSTALL}."
    major = re.match(r"\d+", installed)
    if major is None or int(major[0]) < _FIRST_MAJOR:
        return (
            f"This worker has {_PROVIDER} {installed}, whose IcebergHook opens no catalog: install {_FIRST_MAJOR}.0.0 "
            f"or later (docs/compat.md says on which Airflow that can be installed)."
        )
    return None


def read_table_name(name: str, value: object) -> str:
    """
    Return the name of a table with its namespace: ``namespace.table``.

    :param name: of the argument, for the error
    :raises EkycSettingsError: if it is none
    """
    text = read_text(name, value)
    if "." not in text or not all(part.strip() for part in text.split(".")):
        raise EkycSettingsError(f"{name} must be a namespace and a table: namespace.table. No request was sent.")
    return text


class CatalogConnection:
    """
    An Iceberg catalog by its Airflow connection; it is opened when it is used first.

    :param conn_id: connection of type ``iceberg``: a REST catalog, or what ``type`` in its extra names
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self._secrets: tuple[str, ...] = ()
        self._catalog: Catalog | None = None

    @contextmanager
    def explained(self, *, of_connection: bool = False) -> Iterator[None]:
        """
        Raise what pyiceberg's calls in the block end with as :class:`CatalogCallError`.

        :param of_connection: whether the block uses nothing else than the connection's settings
        """
        with explained(self._secrets, of_connection=of_connection):
            yield

    def load_table(self, table: str) -> Table | None:
        """
        Load a table as it is now; None only where the catalog says that there is no such table.

        :param table: with its namespace
        :raises EkycSettingsError: if Airflow has no such connection, or the Iceberg provider is too old
        :raises CatalogCallError: if the catalog can't be used
        """
        catalog = self.open()
        from pyiceberg.exceptions import NoSuchTableError

        with self.explained():
            try:
                return catalog.load_table(table)
            except NoSuchTableError:
                return None

    def has_namespace_of(self, table: str) -> bool:
        """
        Return whether a table's namespace exists: to load a table says the same whether it is missing or its namespace.

        :param table: with its namespace
        :raises EkycSettingsError: if Airflow has no such connection, or the Iceberg provider is too old
        :raises CatalogCallError: if the catalog can't be used
        """
        catalog = self.open()
        from pyiceberg.exceptions import NoSuchNamespaceError

        with self.explained():
            try:  # not namespace_exists, which catalogs of earlier releases do not have
                catalog.load_namespace_properties(catalog.namespace_from(table))
            except NoSuchNamespaceError:
                return False
        return True

    def open(self) -> Catalog:
        """
        Return pyiceberg's catalog.

        :raises EkycSettingsError: if Airflow has no such connection, or the Iceberg provider is too old
        :raises CatalogCallError: if it can't be opened
        """
        if self._catalog is None:
            if problem := unmet_requirement():
                raise EkycSettingsError(f"{problem} No request was sent.")
            self._secrets = _secrets_of(self._connection())
            from airflow.providers.apache.iceberg.hooks.iceberg import IcebergHook

            with self.explained(of_connection=True):
                catalog = IcebergHook(self.conn_id).catalog
                _bound_waits(catalog)
            self._catalog = catalog
        return self._catalog

    def _connection(self) -> Any:
        try:
            return BaseHook.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise EkycNoConnectionError(
                f"Airflow has no connection {self.conn_id!r}, or could not read it just now. If it is missing, create "
                f"it (type iceberg, see docs/iceberg.md), then clear this task. No request was sent."
            ) from None


def _bound_waits(catalog: Catalog) -> None:
    """
    Bound how long a REST catalog is waited for: pyiceberg sets no time-out, and a lost packet would hold the task.

    Its first request, for the catalog's configuration, is over by then.
    """
    from requests import PreparedRequest, Response, Session
    from requests.adapters import HTTPAdapter

    class BoundedAdapter(HTTPAdapter):
        def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
            return super().send(request, *args, **{**kwargs, "timeout": kwargs.get("timeout") or _TIMEOUTS})

    session = getattr(catalog, "_session", None)
    if isinstance(session, Session):
        for scheme in ("http://", "https://"):  # an adapter for the catalog's own address (SigV4) goes before these
            session.mount(scheme, BoundedAdapter())


def _secrets_of(connection: Any) -> tuple[str, ...]:
    extra: Mapping[str, Any] = connection.extra_dejson or {}
    values = [connection.password, *(value for key, value in extra.items() if _SECRET.search(key))]
    return tuple(value for value in values if isinstance(value, str) and value)
