"""The commands of a block, one by one."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from tests.documentation.blocks import Block, of_language


@dataclass(frozen=True, slots=True)
class Command:
    """
    A command of a page.

    :param text: as it is written, over several lines if it is
    :param output: the lines that the page shows below it
    """

    block: Block
    text: str
    output: str = ""

    @property
    def words(self) -> list[str]:
        """Its words, without quotes and comments."""
        return shlex.split(self.text, comments=True)

    def __str__(self) -> str:
        return f"{self.block}: {self.text.splitlines()[0][:60]}"


def commands() -> list[Command]:
    """Return the commands of all pages."""
    return [command for block in of_language("bash", "console") for command in commands_of(block)]


def commands_of(block: Block) -> list[Command]:
    """
    Return the commands of a block: those behind ``$`` with their output, or else all lines.

    A command goes on after a backslash, within quotes, and to the end of a document that it begins (``<<'EOF'``).
    """
    has_prompts = any(line.startswith("$ ") for line in block.code.splitlines())
    found: list[list[str]] = []
    open_until = None
    for line in block.code.splitlines():
        if open_until is not None and found:
            found[-1][0] += f"\n{line}"
            open_until = None if open_until and line == open_until else open_until
        elif has_prompts and not line.startswith("$ "):
            found[-1][1] += f"{line}\n"
        elif line.strip():
            found.append([line.removeprefix("$ "), ""])
        if (found and open_until is None) or open_until == "":
            open_until = _open_until(found[-1][0])
    return [Command(block, text, output) for text, output in found]


def _open_until(text: str) -> str | None:
    document = re.search(r"<<'(\w+)'", text)
    if document:
        return None if text.endswith(f"\n{document[1]}") else document[1]
    code = re.sub(r" #.*", "", text) if "'" not in text else text
    return "" if text.endswith("\\") or code.count("'") % 2 else None
