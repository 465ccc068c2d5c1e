"""Triggers."""

from __future__ import annotations
