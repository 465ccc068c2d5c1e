"""What Airflow 3.3 gives a task to remember by, with what may go wrong with it. The real one: tests/airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class StateStore:
    """JSON values that outlive a try."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.away = False
        #: Is told "before" or "after", and the key, at each write; may raise.
        self.watch: Callable[[str, str], None] = lambda moment, key: None

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value."""
        self._reach()
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Write the value."""
        self._reach()
        self.watch("before", key)
        self.values[key] = json.dumps(value)
        self.watch("after", key)

    def delete(self, key: str) -> None:
        """Delete the key."""
        self._reach()
        self.values.pop(key, None)

    def key(self, kind: str) -> str:
        """Return the one key of a kind (``intent``, ``receipt``)."""
        (key,) = (key for key in self.values if key.startswith(f"ekyc-{kind}-"))
        return key

    def _reach(self) -> None:
        if self.away:
            raise ConnectionError("the API server is away")
