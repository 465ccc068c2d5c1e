"""Whether a result is what was sent and what was announced."""

from __future__ import annotations
