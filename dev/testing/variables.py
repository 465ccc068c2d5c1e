"""Airflow's Variables in memory, with what can fail about them. The real ones: tests/airflow, and ``dev.faults``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


class Variables:
    """Text that outlives a try and a clear. One of these is what ``Variable`` is to a test."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.descriptions: dict[str, str | None] = {}
        #: Reads find nothing and say so, as Airflow's do while the API server is away.
        self.unseen = False
        #: Reads and writes raise.
        self.away = False
        #: Is called with "before" or "after", and the key, at each write; may raise.
        self.watch: Callable[[str, str], None] = lambda moment, key: None

    def get(self, key: str, default: Any = ...) -> Any:
        """Return the value; without a default raise what Airflow 3 raises if there is none."""
        self._reach()
        if key not in self.values and default is not ...:
            return default
        if self.unseen or key not in self.values:
            raise _error("VARIABLE_NOT_FOUND", {"key": key})
        return self.values[key]

    def set(self, key: str, value: str, description: str | None = None) -> None:
        """Write the value."""
        self._reach()
        self.watch("before", key)
        self.values[key] = value
        self.descriptions[key] = description
        self.watch("after", key)

    def delete(self, key: str) -> None:
        """Delete the value."""
        self._reach()
        del self.values[key]

    def keys(self, prefix: str | None = None) -> list[str]:
        """Return the keys with a prefix."""
        self._reach()
        return [key for key in self.values if key.startswith(prefix or "")]

    def records(self) -> dict[str, str]:
        """Return the intents of submissions, by their keys: what a message tells a person to write into."""
        others = re.compile(r"_instance_|_open_|_receipt$|_check(_|$)")
        return {key: value for key, value in self.values.items() if not others.search(key)}

    def delete_all(self) -> None:
        """Delete what is recorded of submissions, and leave what is recorded of task instances."""
        self.values = {key: value for key, value in self.values.items() if re.search("_instance_|_check(_|$)", key)}

    def receipts(self) -> dict[str, str]:
        """Return the receipts of submissions, by their keys."""
        return {key: value for key, value in self.values.items() if key.endswith("_receipt")}

    def _reach(self) -> None:
        if self.away:
            raise _error("API_SERVER_ERROR", {"made": "up"})


def _error(kind: str, detail: dict[str, str]) -> Exception:
    # Imported here, so that tests that need no Variable also run under Airflow 2.11 ("make lowest").
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse

    return AirflowRuntimeError(ErrorResponse(error=ErrorType[kind], detail=detail))
