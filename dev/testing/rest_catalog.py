"""A small Iceberg REST catalog in front of another catalog, for answers that are lost, late or another server's."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest

from dev.testing.sockets import Request, SocketServer, answer, read_request

#: Is given what makes the answer, which does the request then, and returns the bytes to send; none: it is lost.
Fault = Callable[[Callable[[], bytes]], bytes]

_PATH = re.compile(r"/v1/namespaces/([^/]+)/tables(?:/([^/?]+))?")
_NAMESPACE = re.compile(r"/v1/namespaces/([^/?]+)$")
_STATUSES = {
    CommitFailedException: HTTPStatus.CONFLICT,
    TableAlreadyExistsError: HTTPStatus.CONFLICT,
    NoSuchTableError: HTTPStatus.NOT_FOUND,
    NoSuchNamespaceError: HTTPStatus.NOT_FOUND,
}


class RestCatalogServer(SocketServer):
    """
    As much of Iceberg's REST specification as a table needs: configuration, the namespace, load, create and commit.

    :param catalog: the catalog that has the tables
    """

    def __init__(self, catalog: Any) -> None:
        super().__init__(self._talk)
        self._catalog = catalog
        self._lock = threading.RLock()
        #: For the next requests of a kind (``config``, ``namespace``, ``load``, ``create``, ``commit``), in turn.
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        #: Requests by kind.
        self.calls: dict[str, int] = defaultdict(int)

    def _talk(self, connection: socket.socket) -> None:
        request = read_request(connection)
        kind, work = self._work(request)
        with self._lock:
            self.calls[kind] += 1
            fault = self.faults[kind].pop(0) if self.faults[kind] else None

        def reply() -> bytes:
            try:
                return _json(HTTPStatus.OK, work())
            except tuple(_STATUSES) as error:
                status = _STATUSES[type(error)]
                problem = {"message": str(error), "type": type(error).__name__, "code": status.value}
                return _json(status, {"error": problem})

        connection.sendall(reply() if fault is None else fault(reply))

    def _work(self, request: Request) -> tuple[str, Callable[[], Any]]:
        if found := _NAMESPACE.match(request.target):
            return "namespace", lambda: self._namespace(unquote(found[1]))
        found = _PATH.match(request.target)
        if found is None:
            return "config", lambda: {"defaults": {}, "overrides": {}}
        namespace, name = unquote(found[1]), found[2]
        if name is None:
            return "create", lambda: self._create(namespace, json.loads(request.body))
        identifier = (namespace, unquote(name))
        if request.method == "GET":
            return "load", lambda: _table(self._catalog.load_table(identifier))
        return "commit", lambda: self._commit(identifier, CommitTableRequest.model_validate_json(request.body))

    def _namespace(self, namespace: str) -> Any:
        return {"namespace": [namespace], "properties": self._catalog.load_namespace_properties(namespace)}

    def _create(self, namespace: str, wanted: Mapping[str, Any]) -> Any:
        return _table(
            self._catalog.create_table(
                (namespace, wanted["name"]),
                Schema.model_validate(wanted["schema"]),
                partition_spec=PartitionSpec.model_validate(wanted["partition-spec"]),
                properties=wanted["properties"],
            )
        )

    def _commit(self, identifier: tuple[str, str], wanted: CommitTableRequest) -> Any:
        table = self._catalog.load_table(identifier)
        return _table(self._catalog.commit_table(table, wanted.requirements, wanted.updates))


def lost(reply: Callable[[], bytes]) -> bytes:
    """Do what was requested, and send no answer."""
    reply()
    return b""


def unsent(reply: Callable[[], bytes]) -> bytes:
    """Do nothing, and send no answer."""
    return b""


def _table(table: Any) -> Any:
    return {
        "metadata-location": table.metadata_location,
        "metadata": json.loads(table.metadata.model_dump_json()),
        "config": {},
    }


def _json(status: HTTPStatus, body: Any) -> bytes:
    return answer(f"{status.value} {status.phrase}", json.dumps(body).encode(), "Content-Type: application/json")
