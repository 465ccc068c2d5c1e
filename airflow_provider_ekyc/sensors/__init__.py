"""Sensors."""

from __future__ import annotations
