"""Which numbers have a landed result that is young enough, so that they need not be verified again."""

from __future__ import annotations
