"""An id that a submission returns is one that every argument accepts."""

from __future__ import annotations

from collections import UserList
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, strategies as st
from lazy_object_proxy import Proxy

from airflow_provider_ekyc.api.models import read_created
from airflow_provider_ekyc.api.protocol import status_query
from airflow_provider_ekyc.api.task_ids import checked_task_id, read_task_id
from airflow_provider_ekyc.exceptions import EkycSettingsError
from tests.api.conftest import settings_for


class LazySequence(Sequence[Any]):
    """As Airflow's lazy XCom sequences: no list, its items are read when they are looked at."""

    def __init__(self, *items: Any) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


def iterating(*items: Any) -> Iterator[Any]:
    yield from items


@dataclass(frozen=True)
class Fresh:
    """What can be read once: made anew for each run of the test."""

    make: Callable[[], object]


@pytest.mark.parametrize(
    ("given_", "ekyc_task_id"),
    [
        ("d4g8o46p2jvh04o9uolg", "d4g8o46p2jvh04o9uolg"),
        (" made-up-id\n", "made-up-id"),
        (123456789012, "123456789012"),
        (7, "7"),
        (10**40, "1" + "0" * 40),
        ("00123", "00123"),
        (["made-up-id"], "made-up-id"),
        (("made-up-id",), "made-up-id"),
        ({"made-up-id"}, "made-up-id"),
        ([123456789012], "123456789012"),
        ([["made-up-id"]], "made-up-id"),
        ("['made-up-id']", "made-up-id"),
        ("[123456789012]", "123456789012"),
        (UserList(["made-up-id"]), "made-up-id"),
        (LazySequence("made-up-id"), "made-up-id"),
        (LazySequence(123456789012), "123456789012"),
        (Fresh(lambda: iterating("made-up-id")), "made-up-id"),
        (Fresh(lambda: map(str, [123456789012])), "123456789012"),
        (Proxy(lambda: "made-up-id"), "made-up-id"),
        (Proxy(lambda: ["made-up-id"]), "made-up-id"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("x" * 512, "x" * 512),
    ],
)
def test_what_means_one_id_is_accepted(given_: object, ekyc_task_id: str) -> None:
    checked = checked_task_id(given_.make() if isinstance(given_, Fresh) else given_)
    assert (checked, type(checked)) == (ekyc_task_id, str)


@pytest.mark.parametrize(
    ("given_", "problem"),
    [
        (["a-1", "b-2"], "several ids"),
        (LazySequence("a-1", "b-2", "c-3"), "several ids"),
        ([["a-1", "b-2"]], "several ids"),
        ([], "empty"),
        (LazySequence(), "empty"),
        ("", "empty"),
        (" ", "empty"),
        ("None", "empty"),
        (" NULL ", "empty"),
        (None, "empty"),
        ([None], "empty"),
        ("a b", "not such an id"),
        ("a\r\nb", "not such an id"),
        ("\u00e4", "not such an id"),
        ("x" * 513, "not such an id"),
        ("['a-1', 'b-2']", "several ids"),
        ("['a-1', 'b-2'", "not such an id"),
        ("[]", "empty"),
        ("LazyXComSequence([1 item])", "not such an id"),
        ("<Proxy at 0x7f>", "not such an id"),
        (True, "of type bool"),
        (0.5, "of type float"),
        ({"ekyc_task_id": "made-up-id"}, "of type dict"),
        (b"made-up-id", "of type bytes"),
        ([[[["a-1"]]]], "of type list"),
    ],
)
def test_anything_else_is_named_and_nothing_is_sent(given_: object, problem: str) -> None:
    with pytest.raises(EkycSettingsError) as caught:
        checked_task_id(given_)
    words = "contains several ids" if problem == "several ids" else f"it is {problem}."
    assert words in caught.value.message
    assert "No request was sent." in caught.value.message


def test_several_ids_say_what_to_do() -> None:
    with pytest.raises(EkycSettingsError, match=r"map the task, as in \.expand\(ekyc_task_id=.*or pick one"):
        checked_task_id(["a-1", "b-2"])


def test_a_list_without_an_end_is_not_read_to_its_end() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "made-up-id"

    with pytest.raises(EkycSettingsError, match="several ids"):
        checked_task_id(endless())


@given(st.one_of(st.text(), st.integers(), st.text("0123456789abcdef-", min_size=1), st.floats(), st.booleans()))
def test_an_id_that_an_answer_holds_is_one_that_is_accepted_and_sent(value: object) -> None:
    ekyc_task_id = read_task_id(value)
    if ekyc_task_id is not None:
        assert checked_task_id(ekyc_task_id) == checked_task_id(value) == ekyc_task_id
        assert read_created({"task_id": value}).ekyc_task_id == ekyc_task_id
        assert ekyc_task_id.encode() in status_query(settings_for("https://api.example"), ekyc_task_id).request.body


def test_a_number_with_more_digits_than_python_writes_is_no_id() -> None:
    assert read_task_id(10**5_000) is None
    assert read_task_id(10**20) == "1" + "0" * 20
