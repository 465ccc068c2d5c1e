"""Collect garbage less often: imported by Python itself where ``PYTHONPATH`` names this folder."""

from __future__ import annotations

import gc

gc.set_threshold(20_000)
