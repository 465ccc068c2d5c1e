"""The process that gives a task Airflow's Variables, over texts of ours."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


class Supervisor:
    """
    Stands in for the process that gives a task Airflow's Variables: the far end of ``SUPERVISOR_COMMS``.

    Airflow's own code asks it, as in a worker. Connections come from the environment, so it knows none.

    :param texts: the Variables' values by their keys
    """

    def __init__(self, texts: MutableMapping[str, str]) -> None:
        self.texts = texts

    def send(self, message: Any) -> Any:
        """Answer a request as the supervisor does."""
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time import comms

        match message:
            case comms.GetVariable(key=key):
                if key in self.texts:
                    return comms.VariableResult(key=key, value=self.texts[key])
                return comms.ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND, detail={"key": key})
            case comms.PutVariable(key=key, value=value):
                self.texts[key] = value or ""
                return comms.OKResponse(ok=True)
            case comms.DeleteVariable(key=key):
                self.texts.pop(key, None)
                return comms.OKResponse(ok=True)
            case comms.GetVariableKeys(prefix=prefix, limit=limit, offset=offset):
                keys = sorted(name for name in self.texts if name.startswith(prefix or ""))
                return comms.VariableKeysResult(keys=keys[offset : offset + limit], total_entries=len(keys))
            case comms.GetConnection(conn_id=conn_id):
                return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": conn_id})
            case comms.MaskSecret():
                return None
        raise LookupError(f"the supervisor's stand-in knows no {type(message).__name__}")
