"""
What of the package the tests reach, read from what each process has recorded: ``python -m dev.coverage.report``.

The last line is for a script::

    coverage: … % of … lines and … branches (bound …), error paths … of … without a test

The exit code is 0 if both hold: the per cent, and that each error path that no test reaches is explained.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import slipcover

from dev.coverage import FOLDER, PACKAGE, ROOT
from dev.coverage.error_paths import error_paths
from dev.coverage.explained import EXPLAINED

#: Of lines and branches, in per cent.
LEAST = 95.0


@dataclass(frozen=True, slots=True)
class Share:
    """
    How much was reached.

    :param lines: all
    :param branches: all
    :param reached: of both
    """

    lines: int = 0
    branches: int = 0
    reached: int = 0

    @classmethod
    def of(cls, file: Mapping[str, Any]) -> Self:
        """Return the share of a file, as SlipCover states it."""
        lines, branches = (
            (len(file[f"executed_{what}"]), len(file[f"missing_{what}"])) for what in ("lines", "branches")
        )
        return cls(sum(lines), sum(branches), lines[0] + branches[0])

    def __add__(self, other: Self) -> Share:
        """Return the share of both."""
        return Share(self.lines + other.lines, self.branches + other.branches, self.reached + other.reached)

    @property
    def per_cent(self) -> float:
        """Lines and branches that were reached; 100 where there are none."""
        return 100.0 * self.reached / (self.lines + self.branches) if self.lines + self.branches else 100.0


def main() -> int:
    """Print the report, and return 0 if the bound holds and each error path is tested or explained."""
    files = merged(json.loads(file.read_text()) for file in sorted((ROOT / FOLDER).glob("*.json")))
    if not files:
        print(f'Nothing is recorded in {FOLDER}: "make unit" records it.')
        return 2
    shares: dict[str, Share] = {}
    for file, found in files.items():
        folder = file.removeprefix(f"{PACKAGE}/").rpartition("/")[0].partition("/")[0] or "."
        shares[folder] = shares.get(folder, Share()) + Share.of(found)
    for folder, share in sorted(shares.items()):
        print(f"{folder:16} {share.per_cent:5.1f} % of {share.lines:5,} lines and {share.branches:5,} branches")
    paths = [path for file in files for path in error_paths(file, (ROOT / file).read_text())]
    untested = [path for path in paths if not path.is_reached(set(files[path.file]["executed_lines"]))]
    new = [path for path in untested if path.key not in EXPLAINED]
    for path in new:
        print(f"No test reaches {path.file}:{path.line}: {path.text}")
    for key in sorted(set(EXPLAINED) - {path.key for path in untested}):
        print(f"Tests reach this by now, or it is gone, so its entry in dev/coverage/explained.py may go: {key}")
    total = sum(shares.values(), Share())
    print(
        f"coverage: {total.per_cent:.1f} % of {total.lines:,} lines and {total.branches:,} branches "
        f"(bound {LEAST:.0f}), error paths {len(new)} of {len(paths)} without a test"
    )
    return int(total.per_cent < LEAST or bool(new))


def merged(recorded: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """
    Return what several processes have recorded together: by file, its lines and branches.

    :param recorded: of one process each
    """

    def both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        # SlipCover's merge changes the first.
        slipcover.merge_coverage(together := deepcopy(one), other)
        return together

    all_of_them = list(recorded)
    return dict(reduce(both, all_of_them)["files"]) if all_of_them else {}


if __name__ == "__main__":
    sys.exit(main())
