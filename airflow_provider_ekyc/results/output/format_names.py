"""What a result can be landed as, and how it can be checked; without the modules that do it."""

from __future__ import annotations

FORMATS = ("zip", "csv", "csv.gz", "parquet")

#: What of a result is checked: its table, or the archive alone, for one that is landed as it was delivered.
CHECKS = ("table", "archive")
