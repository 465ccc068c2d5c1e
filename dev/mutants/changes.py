"""What a mutant changes: its lines before and after, read from the file that mutmut wrote."""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: A literal on one line. The quotes are paired from the left: between two literals there is code.
_LITERAL = re.compile(r"""\"(?:[^"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'""")
#: What a person reads has two words or more, and nothing that is put in.
_WORDS = re.compile(r"[^{}]*[A-Za-z,;:.] [^{}]*")

#: The name of a changed function, as mutmut writes it: ``x_name__mutmut_3``, of a class ``xǁClassǁname__mutmut_3``.
_NAME = re.compile(r"^x(?:ǁ(?P<owner>[^ǁ]+)ǁ|_)(?P<name>.+)__mutmut_\d+$")


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change, named by what it does: mutmut's numbers move with each edit of a function.

    :param function: where, such as ``polling/progress.py Progress.after``
    :param before: the lines that are changed, without their indentation
    :param after: the lines that replace them
    """

    function: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return it as it is shown to a person."""
        lines = [self.function, *(f"  - {line}" for line in self.before.splitlines())]
        return "\n".join([*lines, *(f"  + {line}" for line in self.after.splitlines())])

    @property
    def is_wording(self) -> bool:
        """
        Whether only the words of a message differ.

        Messages are compared word by word by ``tests/outcomes``, which provokes each of them with real servers and is
        too slow to be run for each change.
        """
        before, after = _without_words(self.before), _without_words(self.after)
        return before == after and before != self.before


def changes_of(module: str, source: str, keys: Iterable[str]) -> Iterator[Change]:
    """
    Yield the changes of one module.

    :param module: its path below the package
    :param source: the file that mutmut wrote
    :param keys: mutmut's names of the mutants, with the module's dotted name before the last dot
    """
    lines = source.split("\n")  # once: ast.get_source_segment would split the file for each function
    functions = {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name
    }
    for key in keys:
        name = key.rpartition(".")[2]
        original = f"{name.rpartition('_')[0]}_orig"
        found = _NAME.match(name)
        if found is None:
            raise ValueError(f"{key} is no name of a mutant.")
        place = f"{found['owner']}.{found['name']}" if found["owner"] else found["name"]
        before, after = (
            textwrap.dedent(functions[one]).replace(one, found["name"]).splitlines() for one in (original, name)
        )
        yield Change(f"{module} {place}", *_differing(before, after))


def _differing(before: list[str], after: list[str]) -> tuple[str, str]:
    lines = [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]
    removed, added = ("\n".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return removed, added


def _without_words(line: str) -> str:
    """Replace each literal that a person reads."""
    return _LITERAL.sub(lambda found: '"..."' if _WORDS.fullmatch(found[0][1:-1]) else found[0], line)
