"""From a list as people have it to files that can be submitted."""

from __future__ import annotations
