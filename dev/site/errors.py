"""
What the code itself says of its errors, for the runbook and for the page of messages.

``python -m dev.site.errors`` writes the tables of exceptions into the runbooks, between their markers; a test compares
them. The messages are looked up in the source each time that the site is built, so there is nothing to keep up.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ekyc import exceptions
from airflow_provider_ekyc.exceptions import Charge, EkycError
from airflow_provider_ekyc.ways_out import WAYS_OUT

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_ekyc"

#: Stands for what a message has in a place that differs.
GAP = "…"

#: Runbook: the words of its table.
RUNBOOKS: Mapping[str, Mapping[object, str]] = {
    "docs/runbook.md": {
        "head": "exception | kind | retryable | charge | what it says",
        "by case": "by the case",
        True: "yes",
        False: "no",
        Charge.NONE: "none",
        Charge.POSSIBLE: "possible",
        Charge.CERTAIN: "certain",
    },
    "docs/es/runbook.md": {
        "head": "excepción | tipo | ¿se reintenta? | cobro",
        "by case": "según el caso",
        True: "sí",
        False: "no",
        Charge.NONE: "ninguno",
        Charge.POSSIBLE: "posible",
        Charge.CERTAIN: "seguro",
    },
}
_TABLE = re.compile(r"(?<=<!-- exceptions -->\n).*?(?=<!-- /exceptions -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message in the source.

    :param text: with :data:`GAP` where it differs
    :param error: name of the class that has it
    :param kind: of the failure
    :param path: of the module in the repository
    :param line: of the call
    """

    text: str
    error: str
    kind: str
    path: str
    line: int


def public_errors() -> list[type[EkycError]]:
    """Return the exceptions of ``exceptions.py``, in its order."""
    return [
        each
        for each in vars(exceptions).values()
        if inspect.isclass(each) and issubclass(each, EkycError) and each.__module__ == exceptions.__name__
    ]


def kinds_by_name() -> dict[str, str]:
    """Return name and kind of each exception of the package, those of single modules included."""
    kinds = {each.__name__: each.kind for each in public_errors()}
    classes = [node for _, tree in _modules() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known = -1
    while len(kinds) > known:  # a class may be named before the one that it is made of
        known = len(kinds)
        for node in classes:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in kinds]
            if bases and node.name not in kinds:
                kinds[node.name] = _own_kind(node) or kinds[bases[0]]
    return kinds


def messages() -> list[Message]:
    """Return each message that stands in the source where an error is made, by kind, then by text."""
    kinds, found = kinds_by_name(), []
    for path, tree in _modules():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[text, *_], keywords=keywords) if name in kinds:
                    kind = next((_literal(each.value) for each in keywords if each.arg == "kind"), None)
                    parts = [text]
                case ast.Tuple(elts=[ast.Name(id=name), *parts]) if (
                    name in kinds and parts
                ):  # class, what happened, advice
                    kind = None
                case _:
                    continue
            shown = "".join(_text(part) or GAP for part in parts)
            if re.search(r"\w{3}", shown):
                where = path.relative_to(ROOT).as_posix()
                found.append(Message(shown, name, kind or kinds[name], where, node.lineno))
    return sorted(found, key=lambda each: (list(WAYS_OUT).index(each.kind), each.text))


def exceptions_table(runbook: str) -> str:
    """
    Return the table of exceptions.

    :param runbook: page in whose language it is
    """
    words = RUNBOOKS[runbook]
    head = words["head"]
    lines = [f"| {head} |", f"|{' --- |' * (head.count('|') + 1)}"]
    for each in public_errors():
        cells = [f"`{each.__name__}`", f"[`{each.kind}`](#{each.kind})", *_defaults(each, words)]
        if head.count("|") == len(cells):
            cells.append(_meaning(each))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def messages_page() -> str:
    """Return the chapters of the page of messages, as Markdown: one for each kind that has messages in the source."""
    chapters, found = [], messages()
    for kind in WAYS_OUT:
        rows = [f"| {_cell(each.text)} | `{each.error.lstrip('_')}` |" for each in found if each.kind == kind]
        if rows:
            chapters.append(f"## {kind}\n\n[What to do](runbook.md#{kind})\n")
            chapters.append("\n".join(["| message | exception |", "| --- | --- |", *dict.fromkeys(rows)]) + "\n")
    return "\n".join(chapters)


def main() -> int:
    """
    Write the tables into the runbooks.

    :return: exit code
    """
    for name in RUNBOOKS:
        page = ROOT / name
        page.write_text(_TABLE.sub(lambda _, name=name: exceptions_table(name), page.read_text()))  # type: ignore[misc]
        print(name)
    return 0


def table_of(page: str) -> str:
    """Return the table that a runbook has now; empty if it has no markers."""
    found = _TABLE.search((ROOT / page).read_text())
    return found[0] if found else ""


@functools.cache
def _modules() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(PACKAGE.rglob("*.py")))


def _own_kind(node: ast.ClassDef) -> str | None:
    for each in node.body:
        if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", "") == "kind":
            return _literal(each.value)
    return None


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else GAP for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (_text(node.left) or GAP) + (_text(node.right) or GAP)
    return None


def _defaults(error: type[EkycError], words: Mapping[object, str]) -> tuple[str, str]:
    """Return what the class says of a retry and of the charge; of a call to the API, each case says it."""
    if issubclass(error, exceptions.EkycApiError) and error is not exceptions.EkycUnknownOutcomeError:
        return words["by case"], words["by case"]
    return words[error.retryable], words[error.charge]


def _meaning(error: type[EkycError]) -> str:
    first = (inspect.getdoc(error) or "").partition("\n\n")[0]
    return " ".join(first.replace("``", "`").split())


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", " ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main())
