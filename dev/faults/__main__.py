"""``python -m dev.faults``: see ``docs/faults.md``."""

from __future__ import annotations

import sys

from dev.faults.run import main

if __name__ == "__main__":
    sys.exit(main())
