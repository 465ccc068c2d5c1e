"""Hooks."""

from __future__ import annotations
