"""Cells of a table as lines."""

from __future__ import annotations

from typing import Final

#: What a line begins with if its row can't be read: another number of cells than the header. The control character
#: SUB stands for what is invalid (ISO 6429); it is neither a blank nor a part of a number.
UNREADABLE_ROW: Final = "\x1a"
