"""What is read of a body that is wrapped, goes on after its end, or breaks off before it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ekyc.api.json_body import JsonBody, Member, balance_fields, members, read_body, task_fields


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"a": 1}', JsonBody({"a": 1}, "", True)),
        (b"7", JsonBody(7, "", True)),
        (b'{"a": 1} tail', JsonBody({"a": 1}, " tail", True)),
        (b'\xef\xbb\xbf\t\r\n {"a": 1} tail', JsonBody({"a": 1}, " tail", True)),
        (b'{"a": "\xff"}', JsonBody({"a": "\ufffd"}, "", True)),
        (b'{"a": 1}{"a": 2}', JsonBody({"a": 1}, '{"a": 2}', True)),
        (b'{"a": 1, "a": 1, "b": 2, "a": 3}', JsonBody({"a": 3, "b": 2, "": [{"a": 1}, {"a": 1}]}, "", True)),
        (b'{"a": 1, "a": 2} tail', JsonBody({"a": 2, "": [{"a": 1}]}, " tail", True)),
        (b'{"a": 1, "a": 2, "b": ', JsonBody({"a": 2, "": [{"a": 1}]}, '{"a": 1, "a": 2, "b": ', False)),
        (b" text", JsonBody(None, "text", False)),
        (b"", JsonBody(None, "", False)),
        (b"\xff", JsonBody(None, "\ufffd", False)),
        (b"[" * 100_000, JsonBody(None, "[" * 100_000, False)),
    ],
)
def test_the_value_at_the_beginning_of_a_body_is_read(body: bytes, read: JsonBody) -> None:
    assert read_body(body) == read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "x"', {"a": "x"}),
        ('{"a": "x" \r\n', {"a": "x"}),
        ('{"a": 12', None),
        ('{"a": 1, "b": 23', {"a": 1}),
        ('{"a": 1, "b": true', {"a": 1}),
        ('{"a": 1, "b"', {"a": 1}),
        ('{"a": 1, X', {"a": 1}),
        ('{"a": 1, "b": "x', {"a": 1}),
        ('{"a": 1, "b": "x"', {"a": 1, "b": "x"}),
        ('{"a": "x, y', None),
        ('{"a": 1, "b": "x, y', {"a": 1}),
        ('{"a": "x, y", "b": 2', {"a": "x, y"}),
        ('{"a": "q\\"}", "b": 2', {"a": 'q"}'}),
        ('{"a": "q\\", x", "b": 2', {"a": 'q", x'}),
        ('{"a": "q\\\\", "b": "x"', {"a": "q\\", "b": "x"}),
        ('{"a": "q\\\\\\", x", "b": "y"', {"a": 'q\\", x', "b": "y"}),
        ('{"a": "q\\n, x", "b": 2', {"a": "q\n, x"}),
        ('{"a": "{[", "b": 2', {"a": "{["}),
        ('{"a": "]}", "b": 2', {"a": "]}"}),
        ('{"a": [1, 2], "b": {"c": "d"}', {"a": [1, 2], "b": {"c": "d"}}),
        ('{"a": {"b": "c"}, "d": [1, 2]', {"a": {"b": "c"}, "d": [1, 2]}),
        ('{"a": {"b": [1, 2', {"a": {"b": [1]}}),
        ('{"a": [{"b": "x"', {"a": [{"b": "x"}]}),
        ('{"a": [1, {"b": "x", "c": 2', {"a": [1, {"b": "x"}]}),
        ('{"a": [{}, [], 5', {"a": [{}, []]}),
        ('{"a": 1, "b": 2]', None),
        ('{"a": [1, 2}', None),
        ('{"a": 1, }}', None),
        ('{"a": x, "b": "y"', None),
        ("{", None),
        ('[{"a": 1, "b": 2', None),
        ('"a, b', None),
    ],
)
def test_of_an_object_that_breaks_off_the_whole_members_are_read(text: str, value: Any) -> None:
    assert read_body(text.encode()) == JsonBody(value, text, False)


def test_an_object_that_breaks_off_deep_inside_is_not_read() -> None:
    assert read_body(b'{"a": ' * 5 + b'"x"').value == {"a": {"a": {"a": {"a": {"a": "x"}}}}}
    assert read_body(b'{"a": ' * 100 + b'"x"').value is None


def test_a_long_object_that_breaks_off_is_read_up_to_a_bound() -> None:
    body = '{"a": 1, "b": "' + "x" * 1_000_000 + '", "c": 2, "d": 3'
    assert read_body(body.encode()).value == {"a": 1}


INNER: dict[str, Any] = {"task_id": "made-up-id"}


@pytest.mark.parametrize(
    ("value", "main"),
    [
        (INNER, True),
        ([INNER], True),
        ({"data": INNER}, True),
        ({"Data": {"RESULT": INNER}}, True),
        ({"data": [INNER]}, True),
        ({"data": {"previous": INNER}}, False),
        ({"previous": INNER}, False),
        ({"previous": {"data": INNER}}, False),
        ({"previous": [INNER]}, False),
        ([INNER, 1], False),
        ([[INNER, 1]], False),
    ],
)
def test_an_object_is_the_answer_itself_only_in_wrappers(value: Any, main: bool) -> None:
    found = [member for member in members(value) if member.name == "task_id"]
    assert found == [Member("task_id", "made-up-id", INNER, main)]


def test_members_of_outer_objects_come_first() -> None:
    value = {"a": {"b": {"c": 1}, "d": [{"e": 2}]}, "f": 3, "g": [4, {"h": 5}]}
    assert [member.name for member in members(value)] == ["a", "f", "g", "b", "d", "c", "h", "e"]
    assert list(members(7)) == list(members(None)) == list(members([1, "x"])) == []


def test_of_a_large_or_deep_value_no_more_than_a_part_is_looked_through() -> None:
    wide = [{f"a{index}": 0 for index in range(100)}] * 9_000
    assert 0 < len(list(members(wide))) <= 10_000
    assert list(members([wide[0]] * 1_000_000)) == []
    deep: Any = {"last": 0}
    for _ in range(100):
        deep = {"a": deep}
    assert 15 < len(list(members(deep))) < 100


@pytest.mark.parametrize(("depth", "count"), [(15, 1), (100, 0)])
def test_lists_are_looked_into_up_to_a_depth(depth: int, count: int) -> None:
    value: Any = {"last": 0}
    for _ in range(depth):
        value = [value]
    assert len(list(members(value))) == count


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"task_id": "x", "total": 1}, {"task_id": "x", "total": 1}),
        ({"taskId": "x", "total": 1}, {"taskId": "x", "task_id": "x", "total": 1}),
        ({"code": 0, "data": {"TASK-ID": "x", "total": 1}}, {"TASK-ID": "x", "task_id": "x", "total": 1}),
        ({"previous": {"task_id": "x"}, "total": 1}, {"previous": {"task_id": "x"}, "total": 1}),
        ({"total": 1}, {"total": 1}),
        ([{"task_id": "x"}], {"task_id": "x"}),
        ([{"total": 1}], None),
        ("task_id", None),
    ],
)
def test_the_fields_of_a_task_are_found_in_wrappers_and_by_any_name(value: Any, fields: dict[str, Any] | None) -> None:
    assert task_fields(json.dumps(value).encode()) == fields
    assert task_fields(json.dumps(value).encode() + b"<!-- made up -->") == fields


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"balance": 1, "credit": 2}, {"balance": 1, "credit": 2}),
        ({"code": 0, "data": {"balance": 1, "credit": 2}}, {"balance": 1, "credit": 2}),
        ({"data": {"credit": 2}}, {"data": {"credit": 2}}),
        ({"limits": {"balance": 1}, "credit": 2}, {"limits": {"balance": 1}, "credit": 2}),
        ([1], None),
    ],
)
def test_the_fields_of_a_balance_are_found_in_wrappers(value: Any, fields: dict[str, Any] | None) -> None:
    assert balance_fields(json.dumps(value).encode()) == fields


@pytest.mark.parametrize("body", [b"", b"made up", b'{"task_id": "x", "balance": 1', b'{"task_id": "x"'])
def test_what_is_no_whole_json_object_has_no_fields(body: bytes) -> None:
    assert (task_fields(body), balance_fields(body)) == (None, None)
