"""The statements by which a module fails: each ``raise``, and what follows each ``except``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorPath:
    """
    One of them.

    :param file: path of the module
    :param function: in which it is, with its class
    :param line: where it begins
    :param text: that line
    :param lines: of which one is executed if it is reached
    """

    file: str
    function: str
    line: int
    text: str
    lines: range

    @property
    def key(self) -> str:
        """What names it while lines move: file, function and text."""
        return f"{self.file} {self.function}: {self.text}"

    def is_reached(self, executed: Set[int]) -> bool:
        """Whether a test reaches it.

        :param executed: the lines of the module that tests execute
        """
        return not executed.isdisjoint(self.lines)


def error_paths(file: str, source: str) -> list[ErrorPath]:
    """
    Return the error paths of a module, in order.

    :param file: its path
    :param source: its text
    """
    lines = source.splitlines()
    found = [
        ErrorPath(file, function, line, lines[line - 1].strip(), reached_by)
        for function, line, reached_by in _found(ast.parse(source), "")
    ]
    return sorted(found, key=lambda path: path.line)


def _found(node: ast.AST, function: str) -> Iterator[tuple[str, int, range]]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        function = f"{function}.{node.name}".lstrip(".")
    if isinstance(node, ast.Raise):
        yield function, node.lineno, _lines(node)
    elif isinstance(node, ast.ExceptHandler):
        yield function, node.lineno, _lines(node.body[0])
    for child in ast.iter_child_nodes(node):
        yield from _found(child, function)


def _lines(statement: ast.stmt) -> range:
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
