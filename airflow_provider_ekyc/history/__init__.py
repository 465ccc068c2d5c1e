"""Which numbers have a result that is young enough."""

from __future__ import annotations
