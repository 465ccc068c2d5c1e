"""Error paths that the tests do not reach in their own processes, each with its reason."""

from __future__ import annotations

#: Which (:attr:`~dev.coverage.error_paths.ErrorPath.key`): why.
EXPLAINED: dict[str, str] = {}
