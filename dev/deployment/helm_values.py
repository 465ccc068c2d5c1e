"""
Whether the schema of Airflow's official Helm chart accepts the example values.

    python -m dev.deployment.helm_values values.schema.json [--values docs/helm/values.yaml]

``values.schema.json`` is that of the chart (``helm pull apache-airflow/airflow --version 1.22.0 --untar``). A schema
lets keys pass that it does not know where it does not forbid them, as at its top; a misspelled key would have no
effect. So a key that the schema does not name is an error here. Exit code 1 upon any.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

VALUES = Path(__file__).parents[2] / "docs" / "helm" / "values.yaml"


def problems(values: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """
    Return what the schema says against the values, and the keys that it does not name.

    :param values: of a deployment
    :param schema: the chart's ``values.schema.json``
    :return: a sentence each, with the path of the key; empty if there is none
    """
    validator = jsonschema.Draft7Validator(schema)
    refused = [f"{_path(error.absolute_path)}: {error.message}" for error in validator.iter_errors(values)]
    return refused + [f"{path}: the schema does not name it" for path in _unnamed(values, schema, schema, "")]


def _unnamed(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = {**schema, **_resolved(schema["$ref"], root)}
    if isinstance(value, Mapping):
        named = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for key, below in value.items():
            place = f"{path}.{key}" if path else str(key)
            if key in named:
                yield from _unnamed(below, named[key], root, place)
            elif isinstance(others, Mapping):
                yield from _unnamed(below, others, root, place)
            elif named or not path:
                yield place
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, below in enumerate(value):
            yield from _unnamed(below, schema.get("items", {}), root, f"{path}[{index}]")


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, Mapping)
    return found


def _path(parts: Sequence[Any]) -> str:
    return ".".join(map(str, parts)) or "the values"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; exit code 1 upon a problem."""
    parser = argparse.ArgumentParser(prog="python -m dev.deployment.helm_values", description=problems.__doc__)
    parser.add_argument("schema", type=Path, help="values.schema.json of the chart")
    parser.add_argument("--values", type=Path, default=VALUES, help="default: docs/helm/values.yaml")
    given = parser.parse_args(arguments)
    found = problems(yaml.safe_load(given.values.read_text()), json.loads(given.schema.read_text()))
    for each in found:
        print(each, file=sys.stderr)
    if not found:
        print(f"{given.values.name}: the schema accepts it, and names each of its keys.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
