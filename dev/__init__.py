"""What the project is built, tried and measured with; not part of the package."""

from __future__ import annotations
