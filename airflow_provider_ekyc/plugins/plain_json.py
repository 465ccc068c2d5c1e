"""Answers of the page's routes, whatever text others have written into what they show."""

from __future__ import annotations

import json
from typing import Any

from fastapi.responses import JSONResponse


class PlainJson(JSONResponse):
    """
    JSON in ASCII, which no cache keeps.

    An XCom or a record may hold half of a surrogate pair, which UTF-8 can't encode: the answer would fail, and with it
    the page of everybody. JSON writes it as an escape.
    """

    def __init__(self, content: Any, status_code: int = 200) -> None:
        super().__init__(content, status_code, headers={"Cache-Control": "no-store"})

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
