"""The eKYC API on your own machine, for tests and demos."""

from __future__ import annotations
