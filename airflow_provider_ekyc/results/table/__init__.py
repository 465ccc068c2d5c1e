"""The table in an archive: its header, its rows, the forms of a number."""

from __future__ import annotations
