"""What a day of verifications takes, from measured figures and a simulation: ``python -m dev.capacity``."""

from __future__ import annotations
