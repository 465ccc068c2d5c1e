"""The Iceberg table that landed results are added to."""

from __future__ import annotations
