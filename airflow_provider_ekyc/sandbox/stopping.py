"""How long work in a thread learns that nobody waits for it any more."""

from __future__ import annotations


class Stopped(Exception):
    """The sandbox is closing; the work was left unfinished."""
