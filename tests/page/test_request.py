"""``plugins/static/request.js``: requests to this server, and what each answer means."""

from __future__ import annotations

import pytest

from tests.page.conftest import Run
from tests.page.page_server import BASE, Answer, PageServer

ASK = "const { problem, data, status } = await ask(address('x')); return { problem, data, status }"


def problem_of(run: Run, server: PageServer, answer: Answer) -> dict[str, str]:
    server.answers["x"] = [answer]
    return dict(run("request", ASK)["problem"])


def test_json_is_the_answer(run: Run, server: PageServer) -> None:
    server.answers["x"] = [Answer({"rows": [1]})]
    assert run("request", ASK) == {"problem": None, "data": {"rows": [1]}, "status": 200}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer({"detail": "Not authenticated"}, status=401), "login", "Log in again"),
        (Answer({"detail": "Invalid JWT token"}, status=403), "login", "Log in again"),
        (Answer(status=302, headers={"Location": "https://login.example/"}), "login", "Log in again"),
        (Answer({"detail": "Forbidden"}, status=403), "forbidden", "You do not have the permission"),
        (Answer({"detail": "You may not edit this task."}, status=403), "forbidden", "You may not edit this task."),
        (Answer("<html>", type="text/html"), "not_json", "a page instead of data"),
        (Answer("<html>Bad gateway", status=502, type="text/html"), "server", "an error (502)"),
        (Answer({"detail": "Settled meanwhile."}, status=409), "refused", "Settled meanwhile."),
        (
            Answer({"detail": [{"loc": ["body", "name"], "msg": "is missing"}]}, status=422),
            "refused",
            "name: is missing",
        ),
        (Answer({"detail": {"reason": "unique", "statement": "insert"}}, status=409), "refused", "unique"),
        (Answer('{"rows": [', status=200), "server", "cut off"),
        (Answer(closes=True), "away", "cannot be reached"),
    ],
)
def test_what_an_answer_means(run: Run, server: PageServer, answer: Answer, kind: str, text: str) -> None:
    problem = problem_of(run, server, answer)
    assert problem["kind"] == kind
    assert text in problem["text"]


def test_the_json_of_an_error_is_kept(run: Run, server: PageServer) -> None:
    server.answers["x"] = [Answer({"detail": "Its total differs.", "confirm": True}, status=409)]
    assert run("request", ASK)["data"]["confirm"] is True


def test_a_request_goes_below_the_base_url_with_what_is_filled_in_alone(run: Run, server: PageServer) -> None:
    code = "address('ekyc/verifications', { part: 'needs', dag_id: 'a&b', state: '', since: null, offset: 0 }).href"
    assert run("request", code).endswith(f"{BASE}ekyc/verifications?part=needs&dag_id=a%26b&offset=0")


def test_json_is_sent_as_json(run: Run, server: PageServer) -> None:
    server.answers["x"] = [Answer({})]
    run("request", "await ask(address('x'), { method: 'POST', json: { a: 1 } }); return null")
    (request,) = server.received
    assert (request.method, request.json) == ("POST", {"a": 1})
    assert request.headers["content-type"] == "application/json"
    assert request.headers["origin"] == server.url.removesuffix(BASE)


def test_a_request_that_is_given_up_is_no_answer(run: Run, server: PageServer) -> None:
    code = """
    const abort = new AbortController();
    const asked = ask(address('x'), { signal: abort.signal }).then(() => 'answered', () => 'given up');
    abort.abort();
    return await asked;
    """
    assert run("request", code) == "given up"


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://s3.console.example/x?prefix=a", True),
        ("http://127.0.0.1:9000/b/k", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example/", False),
        ("https://user:made-up@evil.example/", False),
        ("https://", False),
        (None, False),
        (["https://a.example"], False),
    ],
)
def test_only_http_makes_a_link(run: Run, link: object, *, safe: bool) -> None:
    assert (run("request", "safeLink($0)", link) is not None) is safe


def test_after_the_login_the_page_is_shown_again(run: Run) -> None:
    code = "loginAddress({ pathname: '/airflow/plugin/ekyc', search: '?state=failed', hash: '' })"
    expected = f"{BASE}api/v2/auth/login?next=%2Fairflow%2Fplugin%2Fekyc%3Fstate%3Dfailed"
    assert run("request", code).endswith(expected)
