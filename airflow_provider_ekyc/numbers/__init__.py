"""Read an input, check its lines, drop duplicates."""

from __future__ import annotations
