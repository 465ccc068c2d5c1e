"""The demo's copies of the example DAGs (``dev/stack/demo_dags.py``): trigger forms that work as they are."""

from __future__ import annotations

import ast
import runpy
from datetime import date
from pathlib import Path

import pytest

from dev.stack.demo_dags import (
    EXAMPLE_BUCKET,
    EXAMPLE_LISTS,
    EXAMPLE_NUMBERS,
    EXAMPLE_PREFIXES,
    example_keys,
    write_demo_dags,
)

EXAMPLES = Path(__file__).parents[2] / "example_dags"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "of_an_earlier_demo.py").write_text("raise ValueError")
    numbers = str(tmp_path / "a list.txt")
    return write_demo_dags(EXAMPLES, tmp_path / "dags", numbers=numbers, bucket="made-up-bucket")


def test_the_form_of_the_basic_example_has_the_defaults_and_explains_each_field(copies: Path, tmp_path: Path) -> None:
    dag = runpy.run_path(str(copies / "ekyc_basic.py"))["dag"]
    assert dag.params.dump() == {
        "numbers": str(tmp_path / "a list.txt"),
        "s3_bucket": "made-up-bucket",
        "prefix": "amazon/",
    }
    for name in dag.params:
        field = dag.params.get_param(name)
        assert field.description
        assert field.schema["title"]


def test_no_example_is_left_with_a_default_of_its_own(copies: Path) -> None:
    assert sorted(each.name for each in copies.iterdir()) == sorted(each.name for each in EXAMPLES.glob("*.py"))
    for copy in copies.iterdir():
        text = copy.read_text()
        assert EXAMPLE_NUMBERS not in text
        assert f'"{EXAMPLE_BUCKET}"' not in text
        assert f"s3://{EXAMPLE_BUCKET}/" not in text
        compile(text, copy.name, "exec")


def test_the_lists_that_the_demo_stores_are_those_of_the_examples() -> None:
    text = "".join(each.read_text() for each in EXAMPLES.glob("*.py"))
    for key in EXAMPLE_LISTS:
        assert f"s3://{EXAMPLE_BUCKET}/{key}" in text
    for prefix in EXAMPLE_PREFIXES:
        assert f'"s3://{EXAMPLE_BUCKET}/{prefix}"' in text
    assert {"numbers/group.txt", "numbers/2026-12-31.txt", "lists/2027-01-01.txt"} < set(
        example_keys(date(2026, 12, 31))
    )


@pytest.mark.parametrize("example", sorted(each.name for each in EXAMPLES.glob("*.py")))
def test_each_field_of_a_form_is_explained(example: str) -> None:
    tree = ast.parse((EXAMPLES / example).read_text())
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == "Param"]
    assert [each.lineno for each in calls if "description" not in {named.arg for named in each.keywords}] == []
