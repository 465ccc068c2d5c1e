"""The hook and the OpenAPI description of the sandbox agree: what is sent, what is read, and what an error costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from airflow_provider_ekyc.api.answers import Call, HttpAnswer
from airflow_provider_ekyc.api.failures import submission_outcome
from airflow_provider_ekyc.api.models import TaskStatus, read_balance, read_created, read_task
from airflow_provider_ekyc.api.protocol import Request, balance_query, status_query, submit_request
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.exceptions import Outcome
from airflow_provider_ekyc.sandbox.description import description

DOCUMENT = description()
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
KEY = "made-up-key"
SETTINGS = read_settings("ekyc_default", host=None, schema=None, port=None, password=KEY, extra={})
OPERATION_OF = {Call.SUBMIT: "submit", Call.STATUS: "status", Call.BALANCE: "balance"}


def resolved(node: Any) -> Any:
    """Return a part of the description with its references replaced."""
    if isinstance(node, list):
        return [resolved(each) for each in node]
    if not isinstance(node, dict):
        return node
    named: Any = {}
    if "$ref" in node:
        named = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            named = named[step]
        named = resolved(named)
    return {**named, **{name: resolved(value) for name, value in node.items() if name != "$ref"}}


OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**resolved(operation), "path": path, "method": method.upper()}
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method != "servers"
}


def answers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield operation, code and description of each answer."""
    for name, operation in OPERATIONS.items():
        for code, answer in operation["responses"].items():
            yield name, code, answer


def sent() -> Iterator[tuple[Request, bytes]]:
    """Yield each request of the client with its whole body."""
    query = balance_query(SETTINGS).request
    yield query, query.body
    query = status_query(SETTINGS, "d4g24nep2jvh04o9uoh0").request
    yield query, query.body
    parts = submit_request(SETTINGS, "amazon", "made-up-boundary")
    yield parts.request, parts.head + b"+99900000000\n+99900000001\n" + parts.tail


@pytest.mark.parametrize(("request_", "body"), list(sent()), ids=lambda value: getattr(value, "call", ""))
def test_what_the_client_sends_is_what_the_description_asks_for(request_: Request, body: bytes) -> None:
    operation = OPERATIONS[OPERATION_OF[request_.call]]
    target = urlsplit(request_.url)
    assert f"{target.scheme}://{target.netloc}" == DOCUMENT["servers"][0]["url"]
    assert (request_.method, target.path) == (operation["method"], operation["path"])
    key = DOCUMENT["components"]["securitySchemes"]["key"]
    assert key["in"] == "header"
    assert request_.headers[key["name"]] == KEY
    if "requestBody" not in operation:
        assert body == b""
        return
    content_type = request_.headers["Content-Type"]
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    form = {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
        for part in message.get_payload()
    }
    schema = operation["requestBody"]["content"][content_type.partition(";")[0]]["schema"]
    assert form.keys() == schema["properties"].keys() == set(schema["required"])
    jsonschema.validate(form, schema)


def test_the_words_of_a_status_are_those_that_the_client_knows() -> None:
    words = DOCUMENT["components"]["schemas"]["Status"]["enum"]
    assert {TaskStatus(word) for word in words} == set(TaskStatus) - {TaskStatus.UNKNOWN}


@pytest.mark.parametrize(("operation", "read"), [("submit", read_created), ("status", read_task)])
def test_the_documents_examples_are_valid_and_are_read(operation: str, read: Any) -> None:
    content = OPERATIONS[operation]["responses"]["200"]["content"]["application/json"]
    examples = (
        [content["example"]] if "example" in content else [each["value"] for each in content["examples"].values()]
    )
    for example in examples:
        jsonschema.validate(example, content["schema"])
        task = read(example)
        assert task.ekyc_task_id == example["task_id"]
        assert task.status == example["status"]
        assert (task.total, task.success, task.failure) == tuple(map(example.get, ("total", "success", "failure")))
        assert task.created_at is not None
        assert task.result_url == example.get("result_url")


@pytest.mark.parametrize(
    ("operation", "read", "least"),
    [
        ("submit", read_created, {"task_id": "d1"}),
        ("status", read_task, {"task_id": "d1", "status": "pending"}),
        ("balance", read_balance, {"balance": 0}),
    ],
)
def test_the_least_that_the_description_requires_is_enough_for_the_client(
    operation: str, read: Any, least: dict[str, Any]
) -> None:
    schema = OPERATIONS[operation]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(least, schema)
    assert set(schema["required"]) == least.keys()
    read(least)


def test_a_refused_submission_is_free_where_the_description_says_so() -> None:
    body = b'{"error": "made_up", "message": "Made up"}'
    free = {
        str(code)
        for code in range(400, 600)
        if submission_outcome(HttpAnswer(code, {}, body, datetime.now(UTC))) is Outcome.REFUSED
    }
    described = OPERATIONS["submit"]["responses"].items()
    assert free == {code for code, answer in described if answer["x-charged"] == "no"}


@pytest.mark.parametrize(("operation", "code", "answer"), list(answers()), ids=str)
def test_each_answer_says_who_says_so_and_what_it_costs(operation: str, code: str, answer: dict[str, Any]) -> None:
    assert answer["x-source"] in {"D", "V", "F"}
    assert answer["x-charged"] in {"yes", "no", "perhaps"}
    if OPERATIONS[operation]["path"].startswith("/v1/"):
        assert code in PAGE or code.startswith("2")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_page_has_each_call(operation: str) -> None:
    described = OPERATIONS[operation]
    shown = "GET <result_url>" if operation == "result" else f"{described['method']} {described['path']}"
    assert f"| `{shown}` ({described['x-source']}) |" in PAGE
