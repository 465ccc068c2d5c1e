"""Hook of the eKYC bulk verification API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_ekyc.airflow_sdk import AirflowNotFoundException, BaseHook
from airflow_provider_ekyc.connection_form import form_behaviour, form_widgets
from airflow_provider_ekyc.exceptions import EkycError, EkycNoConnectionError

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Connection
    from airflow_provider_ekyc.api.client import EkycClient
    from airflow_provider_ekyc.api.models import Balance, Task
    from airflow_provider_ekyc.api.result_connection import ResultConnection
    from airflow_provider_ekyc.api.result_stream import ResultStream
    from airflow_provider_ekyc.api.retries import Retries
    from airflow_provider_ekyc.api.settings import EkycSettings


class EkycHook(BaseHook):
    """
    Calls the eKYC API with the key of an Airflow connection.

    Errors are those of :mod:`airflow_provider_ekyc.exceptions`; ``retryable`` says what may succeed later.
    The connection's fields are described in ``docs/connection.md``.

    :param ekyc_conn_id: Airflow connection of type ``ekyc``
    :param retries: caps of the queries that are tried again within one call; None for the defaults
    """

    conn_name_attr = "ekyc_conn_id"
    default_conn_name = "ekyc_default"
    conn_type = "ekyc"
    hook_name = "eKYC"

    def __init__(self, ekyc_conn_id: str = default_conn_name, *, retries: Retries | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ekyc_conn_id = ekyc_conn_id
        self._retries = retries

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow below 3.2 (newer ones read the provider's info)."""
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return which fields the connection form hides and renames, for Airflow below 3.2."""
        return form_behaviour()

    @cached_property
    def settings(self) -> EkycSettings:
        """
        The connection's settings.

        :raises EkycSettingsError: if the connection is wrong
        """
        with self._known_connection():
            connection = self.get_connection(self.ekyc_conn_id)
        return self._read_settings(connection, connection.extra_dejson)

    async def async_settings(self) -> EkycSettings:
        """
        Return the connection's settings from within an event loop, without blocking it.

        :raises EkycSettingsError: if the connection is wrong
        """
        from airflow_provider_ekyc.async_connection import read_connection

        with self._known_connection():
            connection, extra = await read_connection(self.ekyc_conn_id, self)
        return self._read_settings(connection, extra)

    def get_conn(self) -> EkycClient:
        """Return the client: :class:`~airflow_provider_ekyc.api.client.EkycClient`."""
        return self._client

    def submit(self, file: BinaryIO, size: int, task_type: str = "amazon") -> Task:
        """
        Send a file of numbers once; **each accepted call is charged**.

        :param file: seekable, one number a line
        :param size: bytes in ``file``
        :param task_type: what to verify
        :return: the new remote task, with its id and ``total``
        :raises EkycApiError: ``outcome`` is ``UNKNOWN`` if it may have been accepted; only what is
            ``retryable`` may be sent again
        """
        return self._client.submit(file, size, task_type)

    def get_task(self, ekyc_task_id: str) -> Task:
        """
        Ask for a task's status; an answered call may be charged.

        :param ekyc_task_id: the remote task
        :raises EkycApiError: if the API refuses, or does not answer after the retries
        """
        return self._client.get_task(ekyc_task_id)

    def get_balance(self, *, once: bool = False) -> Balance:
        """
        Ask for the account's balance; free.

        :param once: whether to try only once
        :raises EkycApiError: if the API refuses, or does not answer after the retries
        """
        return self._client.get_balance(once=once)

    def open_result(
        self, url: str, *, offset: int = 0, etag: str | None = None
    ) -> AbstractContextManager[ResultStream]:
        """
        Open a result for streaming; the key is not sent along.

        :param url: ``result_url`` of an exported task, straight from :meth:`get_task`: a secret
        :param offset: bytes that are there already
        :param etag: of the bytes that are there already
        :raises EkycApiError: if it can't be opened, or breaks; ``EkycExpiredUrlError`` asks for a new URL
        """
        return self._client.open_result(url, offset=offset, etag=etag)

    def result_connection(self) -> ResultConnection:
        """
        Return a connection to the store that has the result; the key is not sent along.

        A context manager for one thread; its ``open`` requests the result, or a range of it.
        """
        return self._client.result_connection()

    def test_connection(self) -> tuple[bool, str]:
        """
        Check host and key with the balance query, which is free.

        :return: whether it works, and what to write into the form otherwise; the connection's id, which Airflow makes
            up for a test, is not named
        """
        from airflow_provider_ekyc.api.connection_check import check_connection, field_problem

        try:
            settings = EkycHook(self.ekyc_conn_id).settings
        except EkycNoConnectionError:
            # A test hands it over as a URI, which a port above 65535 or another wrong field makes unreadable.
            return False, "Airflow can't read this connection. Check the base URL, the port (1 to 65535) and the extra."
        except EkycError as error:
            return False, field_problem(error)
        return check_connection(settings)

    @cached_property
    def _client(self) -> EkycClient:
        from airflow_provider_ekyc.api.client import EkycClient

        return EkycClient(self.settings, retries=self._retries)

    @contextmanager
    def _known_connection(self) -> Iterator[None]:
        try:
            yield
        except AirflowNotFoundException:
            raise EkycNoConnectionError(
                f"Airflow has no connection {self.ekyc_conn_id!r}, or could not read it just now. If it is missing, "
                f"create it (type ekyc, the API key as its password), then clear this task. No request was sent."
            ) from None

    def _read_settings(self, connection: Connection, extra: Mapping[str, Any]) -> EkycSettings:
        from airflow_provider_ekyc.api.settings import connection_error, read_settings

        if not extra and not _is_empty_object(connection.extra):
            raise connection_error(self.ekyc_conn_id, "the extra is not a JSON object.")
        settings = read_settings(
            self.ekyc_conn_id,
            host=connection.host,
            schema=connection.schema,
            port=connection.port,
            password=connection.password,
            extra=extra or {},
        )
        if settings.base_url.startswith("http:") and not settings.is_local:
            self.log.warning(
                "Connection %r uses plain http to %s: the API key and the numbers travel unencrypted.",
                self.ekyc_conn_id,
                settings.base_url,
            )
        return settings


def _is_empty_object(extra: str | None) -> bool:
    """Return whether an extra without values is one, and not a text that Airflow could not read."""
    try:
        return json.loads((extra or "").strip() or "{}") in ({}, None)
    except ValueError:
        return False
