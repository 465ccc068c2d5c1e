"""``python -m dev.mutants``: see ``docs/mutants.md``."""

from __future__ import annotations

import sys

from dev.mutants.run import main

if __name__ == "__main__":
    sys.exit(main())
