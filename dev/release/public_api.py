"""
List what is public: classes with their parameters, template fields, XCom keys, exceptions, options, commands.

``python -m dev.release.public_api`` writes the list into ``docs/public_api.md``, below its marker. A test compares
both, so that no change of what is public goes unseen; ``dev/release/public_names.py`` says what that is.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

from airflow_provider_ekyc import exceptions, metrics, xcom_keys
from airflow_provider_ekyc.api.settings import EXTRA_NAMES
from airflow_provider_ekyc.get_provider_info import get_provider_info
from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.sandbox.command import make_parser
from dev.release.bounds import ROOT, extras, project
from dev.release.public_names import CALLABLES, CLASSES, NAMED, OPERATORS, RECORDS

PAGE = ROOT / "docs" / "public_api.md"
MARKER = "<!-- Written by: python -m dev.release.public_api -->"


def public_list() -> str:
    """Return the list as Markdown."""
    return "\n".join([*_classes(), *_exceptions(), *_names(), *_settings()]).strip() + "\n"


def page_with(listed: str) -> str:
    """
    Return the page with a list.

    :param listed: below the marker
    """
    text, marker, _ = PAGE.read_text().partition(MARKER)
    if not marker:
        raise ValueError(f"{PAGE.name} has no marker")
    return f"{text}{MARKER}\n\n{listed}"


def _classes() -> Iterator[str]:
    yield "## Classes and functions\n"
    for name, module in {**OPERATORS, **CALLABLES, **CLASSES}.items():
        found = _load(module, name)
        yield f"### `{name}`\n\n`from {module} import {name}`\n"
        yield from _parameters(found, is_operator=name in OPERATORS)
        if name in CLASSES:
            yield from _table("member", _members(found))
    yield "### Records\n\nTheir fields and their order; a later release may add fields with a default at the end.\n"
    rows = ([_code(f"{module}.{name}"), _code(", ".join(_fields(module, name)))] for name, module in RECORDS.items())
    yield from _table("class | fields", rows)
    yield "### Names\n\nOnly the name and the place are public; what it does is on its page.\n"
    yield from _table("name", ([_code(f"{module}.{name}")] for name, module in sorted(NAMED.items())))


def _parameters(found: Any, *, is_operator: bool) -> Iterator[str]:
    templated = set(found.template_fields) if is_operator else set()
    rows = []
    for parameter in inspect.signature(found).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue  # Airflow's own
        default = "required" if parameter.default is parameter.empty else _code(repr(parameter.default))
        row = [_code(parameter.name), _code(str(parameter.annotation)), default]
        if is_operator:
            # A template field may have another name where Airflow has taken the parameter's.
            row.append("yes" if {parameter.name, f"ekyc_{parameter.name}"} & templated else "")
        rows.append(row)
    yield from _table("parameter | type | default" + (" | templated" if is_operator else ""), rows)
    if is_operator:
        yield f"Template fields: {_code(', '.join(found.template_fields))}\n"


def _members(found: Any) -> Iterator[list[str]]:
    for name, member in sorted(vars(found).items()):
        if name.startswith("_"):
            continue
        plain = inspect.unwrap(member.__func__ if isinstance(member, classmethod) else member)
        if inspect.isfunction(plain):
            yield [_code(f"{name}{inspect.signature(plain)}")]
        else:
            yield [_code(name)]


def _fields(module: str, name: str) -> list[str]:
    found = _load(module, name)
    return list(getattr(found, "__dataclass_fields__", None) or inspect.signature(found).parameters)


def _exceptions() -> Iterator[str]:
    yield "## Exceptions\n\n`airflow_provider_ekyc.exceptions`; a callback sees [what they become](failures.md).\n"
    rows = []
    for name, found in vars(exceptions).items():
        if isinstance(found, type) and issubclass(found, exceptions.EkycError):
            (base,) = found.__bases__
            rows.append([_code(name), _code(base.__name__), _code(found.kind)])
    yield from _table("exception | is also | kind", rows)


def _names() -> Iterator[str]:
    yield "## XCom keys\n"
    keys = {name: value for name, value in vars(xcom_keys).items() if name.isupper()}
    yield from _table("key | in `airflow_provider_ekyc.xcom_keys`", ([_code(keys[key]), _code(key)] for key in keys))
    yield "## Metrics\n\n[What they count](monitoring.md).\n"
    kinds = {**dict.fromkeys(metrics.COUNTERS, "counter"), **dict.fromkeys(metrics.TIMINGS, "timing")}
    yield from _table("metric | kind", ([_code(f"ekyc.{name}"), kinds[name]] for name in kinds))
    yield "## Output formats\n"
    yield from _table("format | media type", ([_code(name), _code(FORMATS[name].media_type)] for name in FORMATS))


def _settings() -> Iterator[str]:
    info = get_provider_info()
    (kind,) = info["connection-types"]
    yield f"## Connection\n\nType `{kind['connection-type']}`, with these extras:\n"
    yield from _table("extra", ([_code(name)] for name in sorted(EXTRA_NAMES)))
    yield "## Airflow's configuration\n"
    options = info["config"]["ekyc"]["options"]
    rows = ([_code(f"[ekyc] {name}"), each["type"], _code(repr(each["default"]))] for name, each in options.items())
    yield from _table("option | type | default", rows)
    yield "## Entry points\n"
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = {"console_scripts": table["scripts"], **table["entry-points"]}
    yield from _table(
        "group | name | object",
        ([_code(group), _code(name), _code(points[group][name])] for group in points for name in points[group]),
    )
    yield "## Command `ekyc-sandbox`\n"
    actions = [action for action in make_parser()._actions if not isinstance(action, argparse._HelpAction)]
    rows = ([_code(" ".join(action.option_strings)), _code(repr(action.default))] for action in actions)
    yield from _table("option | default", rows)
    yield "## Installation\n"
    yield from _table("extra", ([_code(f"{project()['name']}[{name}]")] for name in extras()))


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _table(head: str, rows: Iterable[list[str]]) -> Iterator[str]:
    yield f"| {head} |"
    yield "| " + " | ".join("---" for _ in head.split(" | ")) + " |"
    yield from (f"| {' | '.join(row)} |".replace("  |", " |") for row in rows)
    yield ""


def main() -> int:
    """
    Write the list into the page.

    :return: the exit code
    """
    PAGE.write_text(page_with(public_list()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
