"""How much memory a block of code needs, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

from dev.testing.rare_collections import default_environment

_START = '''
import io

def peak_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

class OneLine(io.RawIOBase):
    """256 MiB without a line end."""

    left = 256 << 20

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return b"1" * size

'''


def peak_memory_of(imports: str, block: str) -> int:
    """
    Return by how many KiB the peak memory of a process grows while it runs a block.

    :param imports: what is done before, which does not count
    :param block: may use ``OneLine()``, a file with one line of 256 MiB
    """
    program = f"{_START}{dedent(imports)}\nbefore = peak_kib()\n{dedent(block)}\nprint(peak_kib() - before)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=default_environment(), check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)
