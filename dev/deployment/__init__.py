"""Checks of what the deployment page gives to a platform team."""

from __future__ import annotations
