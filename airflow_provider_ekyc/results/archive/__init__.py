"""The archive: a real zip, its members, their bytes."""

from __future__ import annotations
