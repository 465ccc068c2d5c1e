"""Phone numbers in: read, check, drop duplicates."""

from __future__ import annotations
