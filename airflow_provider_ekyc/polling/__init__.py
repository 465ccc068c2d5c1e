"""When to query a remote task again, and what an answer means for the wait."""

from __future__ import annotations
