"""A paid task's id is found wherever an answer holds it, and what is not surely an id is no receipt."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.api.answers import HttpAnswer
from airflow_provider_ekyc.api.paid_ids import FoundIds, find_ids
from airflow_provider_ekyc.api.protocol import read_submission_answer
from airflow_provider_ekyc.api.task_ids import read_task_id
from airflow_provider_ekyc.exceptions import EkycApiError, Outcome
from airflow_provider_ekyc.redaction import redact
from tests.api.conftest import API_KEY, settings_for

NOW = datetime(2026, 11, 21, 15, 58, 8, tzinfo=UTC)
SETTINGS = settings_for("https://api.example")
ID = "d4g8o46p2jvh04o9uolg"
CREATED = {"task_id": ID, "status": "pending", "total": 100, "message": "Task created successfully"}
WITHOUT = {name: value for name, value in CREATED.items() if name != "task_id"}


def found(status: int, body: object, broken_off: str = "", **headers: str) -> FoundIds:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return find_ids(HttpAnswer(status, names, raw, NOW, broken_off))


WHOLE = json.dumps(CREATED).encode()
SURE: list[tuple[int, object, dict[str, str]]] = [
    (200, CREATED, {}),
    (202, {"task_id": ID}, {}),
    (299, {"task_id": ID}, {}),
    (201, {"code": 0, "data": CREATED}, {}),
    (200, {"code": 200, "msg": "ok", "data": {"task_id": ID}}, {}),
    (200, {"code": "0", "success": True, "result": {"data": CREATED}}, {}),
    (200, {"data": [{"task_id": ID}]}, {}),
    (200, [CREATED], {}),
    (200, {"taskId": ID, **WITHOUT}, {}),
    (200, {"taskID": ID}, {}),
    (200, {"TaskId": ID}, {}),
    (200, {"data": {"taskId": ID}}, {}),
    (200, {**CREATED, "user_id": "madeUpUser", "id": "request-1", "request_id": "r-2"}, {}),
    (200, {**CREATED, "success": 0, "failure": 0, "error": "", "errors": []}, {}),
    (200, WHOLE + b"\n<!-- added by a proxy -->", {}),
    (200, WHOLE + b"\x00\x00\x00", {}),
    (200, WHOLE + WHOLE, {}),
    (200, b"\xef\xbb\xbf" + WHOLE, {}),
    (200, b"\r\n" + WHOLE, {}),
    (200, json.dumps(CREATED).encode("utf-16"), {}),
    (200, WHOLE[:-1], {}),
    (200, WHOLE[:40], {}),
    (200, b'{"task_id": "d4g8o46p2jvh04o9uolg"', {}),
    (200, b'{"code":0,"data":{"task_id":"d4g8o46p2jvh04o9uolg","total":20', {}),
    (201, b"", {"Location": f"/v1/tasks/{ID}"}),
    (201, b"", {"Location": f"/tasks/{ID}"}),
    (202, WITHOUT, {"Location": f"https://api.example/v1/tasks/{ID}/"}),
    (200, CREATED, {"Location": f"/v1/tasks/{ID}"}),
    (400, CREATED, {}),
    (409, CREATED, {}),
    (500, CREATED, {}),
    (502, CREATED, {}),
    (502, {**CREATED, "message": " Task created successfully. "}, {}),
    (303, CREATED, {}),
    (500, {"code": 0, "data": CREATED}, {}),
    (502, {"task_id": ID, "status": "processing"}, {}),
]


@pytest.mark.parametrize(("status", "body", "headers"), SURE, ids=lambda value: str(value)[:50])
def test_what_is_surely_the_id_is_the_receipt(status: int, body: object, headers: dict[str, str]) -> None:
    ids = found(status, body, **headers)
    assert ids.possible == (ID,)
    assert ids.created is not None
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    task = read_submission_answer(SETTINGS, HttpAnswer(status, headers, raw, NOW))
    assert task.ekyc_task_id == ID
    assert task.total in (None, 100)


@pytest.mark.parametrize("header", ["Location", "Content-Location"])
def test_a_header_that_is_no_address_leaves_the_id_of_the_body(header: str) -> None:
    no_address = {header: f"https://[made.up/v1/tasks/{NUMBER}"}
    created = find_ids(HttpAnswer(200, no_address, WHOLE, NOW))
    assert (created.created, created.possible) == (CREATED, (ID,))
    assert find_ids(HttpAnswer(201, no_address, b"", NOW)) == FoundIds()


def test_what_must_not_be_shown_is_left_out_and_leaves_no_receipt() -> None:
    ids = FoundIds(CREATED, (ID, "made-up-id"), "d4g8")
    assert ids.without(lambda one: False) == ids
    assert ids.without(lambda one: one == "made-up-id") == FoundIds(None, (ID,), "d4g8")
    assert ids.without(lambda one: one == "d4g8") == FoundIds(CREATED, (ID, "made-up-id"), "")


def test_the_sentence_about_the_ids_names_each_whole() -> None:
    assert FoundIds().shown == ""
    assert FoundIds(possible=(ID,)).shown == (
        f" The answer contains an id; this may be the task that was paid for: {ID}."
    )
    assert FoundIds(possible=(ID, "made-up-id"), cut_off="d4g8").shown == (
        f" The answer contains an id; one of these may be the task that was paid for: {ID}, made-up-id. The answer "
        f"breaks off in an id that begins with d4g8."
    )


NUMBER = 123456789012
POSSIBLE: list[tuple[int, object, dict[str, str], tuple[str, ...]]] = [
    (400, {"error": "bad file", "task_id": ID}, {}, (ID,)),
    (409, {"message": "a task runs already", "task_id": ID, "status": "processing"}, {}, (ID,)),
    (500, {"error": "internal", "data": {"task_id": ID}}, {}, (ID,)),
    (502, {"task_id": ID}, {}, (ID,)),
    (300, {"task_id": ID}, {}, (ID,)),
    (500, {"task_id": ID, "status": "failed"}, {}, (ID,)),
    (500, {"error": f"could not start task, task_id: {ID}"}, {}, (ID,)),
    (500, {"error": json.dumps({"task_id": ID})}, {}, (ID,)),
    (502, f'<html><body data-task-id="{ID}">Bad Gateway</body></html>'.encode(), {}, (ID,)),
    (502, f"<error><task_id>{ID}</task_id></error>".encode(), {}, (ID,)),
    (504, f"upstream timed out, task_id={ID}".encode(), {}, (ID,)),
    (500, WHOLE + b"trailing", {}, (ID,)),
    (500, WHOLE[:-1], {}, (ID,)),
    (200, {"task_id": ID, "error": "quota"}, {}, (ID,)),
    (200, {"code": 40001, "data": {"task_id": ID}}, {}, (ID,)),
    (200, {"success": False, "task_id": ID}, {}, (ID,)),
    (200, {"status": "error", "task_id": ID}, {}, (ID,)),
    (200, {"status": " Fail ", "task_id": ID}, {}, (ID,)),
    (200, {"status": "failure", "task_id": ID}, {}, (ID,)),
    (200, {"errors": ["quota"], "task_id": ID}, {}, (ID,)),
    (200, {"ok": False, "task_id": ID}, {}, (ID,)),
    (200, {"task_id": "a-1", "data": {"task_id": "b-2"}}, {}, ("a-1", "b-2")),
    (200, b'{"task_id": "a-1", "task_id": "b-2"}', {}, ("b-2", "a-1")),
    (200, [{"task_id": "a-1"}, {"task_id": "b-2"}], {}, ("a-1", "b-2")),
    (200, {"previous": {"task_id": ID}}, {}, (ID,)),
    (200, b'{"task_id": "a-1"}{"task_id": "b-2"}', {}, ("a-1", "b-2")),
    (200, {"id": ID, "status": "pending"}, {}, (ID,)),
    (200, {"_id": ID}, {}, (ID,)),
    (200, {"data": {"id": NUMBER}}, {}, (str(NUMBER),)),
    (400, {"error": "refused", "id": ID}, {}, (ID,)),
    (200, {"task_id": "two words"}, {}, ("two words",)),
    (200, {"task_id": "t\u00e4sk-1"}, {}, ("t\u00e4sk-1",)),
    (200, {"task_id": "made\x07up"}, {}, ("made up",)),
    (200, {"task_id": 7.5}, {}, ("7.5",)),
    (200, f"task_id={ID}&status=pending".encode(), {}, (ID,)),
    (200, ID.encode(), {}, (ID,)),
    (200, ID, {}, (ID,)),
    (200, [ID], {}, (ID,)),
    (200, NUMBER, {}, (str(NUMBER),)),
    (303, b"", {"Location": f"/v1/tasks/{ID}"}, (ID,)),
    (302, b"", {"Location": f"https://console.example/?task_id={ID}"}, (ID,)),
    (500, {"error": "internal"}, {"Location": f"/v1/tasks/{ID}"}, (ID,)),
    (201, b"", {"Location": f"/v1/tasks/{ID}/status"}, (ID, "status")),
    (201, b"", {"Location": f"/made-up?task_id={ID}"}, (ID,)),
    (201, b"", {"Location": f"/v1/task/{ID}"}, (ID,)),
    (201, b"", {"Location": f"/v1/gettasks/{ID}"}, (ID,)),
    (201, b"", {"Content-Location": f"/v1/tasks/{ID}"}, (ID,)),
    (201, b"", {"Location": f"/v1/tasks/{ID}", "Content-Location": "/v1/tasks/b-2"}, (ID, "b-2")),
    (202, b"", {"X-Task-Id": ID}, (ID,)),
    (429, {"error": "slow down"}, {"X-Task-Id": str(NUMBER)}, (str(NUMBER),)),
]


@pytest.mark.parametrize(("status", "body", "headers", "ids"), POSSIBLE, ids=lambda value: str(value)[:50])
def test_what_may_be_an_id_is_shown_whole_and_leaves_the_outcome_unknown(
    status: int, body: object, headers: dict[str, str], ids: tuple[str, ...]
) -> None:
    assert found(status, body, **headers) == FoundIds(None, ids)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(EkycApiError) as caught:
        read_submission_answer(SETTINGS, HttpAnswer(status, headers, raw, NOW))
    error = caught.value
    assert (error.outcome, error.retryable, error.possible_ids) == (Outcome.UNKNOWN, False, ids)
    assert all(one in error.message for one in ids)
    assert "Nothing was charged" not in error.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_batch_size", "message": "amazon takes 100 rows, got 99"}),
        (500, {"error": "internal"}),
        (400, {"error": "bad", "task_id": None}),
        (400, {"error": "bad", "task_id": ""}),
        (400, {"error": "bad", "task_id": 0, "total": 0}),
        *((400, {"error": "bad", "task_id": no_id}) for no_id in (" ", "None", " null ", "NIL", "undefined", "0", 0.0)),
        (400, {"error": "bad", "request_id": "r-1", "trace": {"id": "x-1"}}),
        (400, {"error": "task_type is unknown"}),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>"),
        (200, {"code": 1, "msg": "try again"}),
        (200, b"OK"),
        (200, b"null"),
        (302, b""),
        (300, ID.encode()),
    ],
)
def test_what_holds_no_id_shows_none(status: int, body: object) -> None:
    assert found(status, body, Location="https://login.example/v1/tasks") == FoundIds()


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_wherever_an_answer_breaks_off_the_id_is_whole_or_said_to_be_cut_off(length: int) -> None:
    ids = found(200, WHOLE[:length], "IncompleteRead")
    end = WHOLE.index(ID.encode()) + len(ID)
    if length > end:
        assert (ids.possible, ids.cut_off) == ((ID,), "")
        assert ids.created is not None
        assert ids.created["task_id"] == ID
        assert ids.created.get("total") in (None, 100)
    else:
        assert (ids.created, ids.possible) == (None, ())
        assert ID.startswith(ids.cut_off)
        assert bool(ids.cut_off) is (length > WHOLE.index(ID.encode()))


def test_a_number_that_breaks_off_is_no_id() -> None:
    assert found(200, b'{"task_id": 12345', "IncompleteRead") == FoundIds(None, (), "12345")
    assert found(200, b'{"task_id": 12345, "st', "IncompleteRead").possible == ("12345",)


@pytest.mark.parametrize("body", [b'{"task_id": 12345', b'{"task_id": 12345\n', b'[{"task_id": 12345'])
def test_a_number_at_the_end_of_an_object_that_is_not_closed_is_no_id(body: bytes) -> None:
    """Also where the connection did not break off: a server between may have cut the answer."""
    assert found(200, body) == FoundIds(None, (), "12345")


def test_an_id_at_the_end_of_a_text_is_whole_unless_the_connection_breaks_off() -> None:
    assert found(504, b"upstream timed out, task_id=12345") == FoundIds(None, ("12345",))
    assert found(504, b"upstream timed out, task_id=12345", "IncompleteRead") == FoundIds(None, (), "12345")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 20_000,
        b"[" * 500_000,
        b'{"task_id": "x", "a": {' * 20_000,
        b'task_id: "' * 60_000,
        b"task_id" + b" " * 500_000,
        b'{"task_id": ' + b"9" * 500_000 + b"}",
        json.dumps({"a": [{"b": index} for index in range(50_000)]}).encode(),
        json.dumps([{"task_id": f"made-up-{index}"} for index in range(50_000)]).encode(),
    ],
    ids=range(8),
)
def test_no_answer_takes_long_to_look_through(body: bytes) -> None:
    begun = time.process_time()
    assert found(200, body).created is None
    assert time.process_time() - begun < 3


_NAMES = st.sampled_from(["task_id", "taskId", "id", "status", "data", "error", "code", "message", "total", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["pending", ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(_JSON, st.binary(max_size=20), st.integers(0, 400), st.sampled_from([101, 200, 302, 400, 409, 429, 500, 502]))
@settings(max_examples=300, deadline=None)
def test_any_answer_is_a_task_or_one_error_and_no_id_in_it_is_lost(
    value: Any, after: bytes, cut: int, status: int
) -> None:
    raw = (json.dumps(value).encode() + after)[: cut or None]
    answer = HttpAnswer(status, {}, raw, NOW)
    ids = find_ids(answer)
    failed = None
    try:
        assert ids.possible == (read_submission_answer(SETTINGS, answer).ekyc_task_id,)
    except EkycApiError as error:
        failed = error
    if failed is not None:
        # What can't be an id by its shape is shown as any text of a server.
        shown = tuple(one if read_task_id(one) else redact(one, secrets=[API_KEY]) for one in ids.possible)
        assert failed.possible_ids == shown
        assert all(one in failed.message for one in shown)
        assert not ids.possible or failed.outcome is Outcome.UNKNOWN
        assert API_KEY not in failed.message
