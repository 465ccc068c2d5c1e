"""What a result is landed as."""

from __future__ import annotations
