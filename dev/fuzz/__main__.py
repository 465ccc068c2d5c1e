"""``python -m dev.fuzz``: see ``docs/fuzzing.md``."""

from __future__ import annotations

import sys

from dev.fuzz.run import main

if __name__ == "__main__":
    sys.exit(main())
