"""A count with its noun, for messages and logs. Pure."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """
    Return a count and what is counted: ``1 file``, ``2 files``, ``1,000 files``.

    :param noun: in the singular; its plural ends in ``s``
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
