"""Results out: download and check the archive."""

from __future__ import annotations
