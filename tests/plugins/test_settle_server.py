"""
Settle submissions through a real API server, and let a real scheduler go on from there.

Covers ``plugins/settle_routes.py``, ``plugins/settle.py``, ``plugins/settle_case.py``, ``plugins/settle_task.py`` and
``plugins/metadata_variables.py``. ``EKYC_TEST_PYTHON`` names the interpreter of another Airflow with this package.
"""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from dev.testing.waiting import wait_until
from tests.plugins.settled_airflow import BUCKET, KEY, MAPPED_ROWS, ROWS, RUN, SAME_ORIGIN, SettledAirflow

pytestmark = pytest.mark.airflow

WAYS = ("adopt", "send-again")


def adoption(settled: SettledAirflow, dag_id: str) -> dict[str, Any]:
    """Return the request to adopt what was charged."""
    (ekyc_task_id,) = settled.charges(ROWS[dag_id])
    return {**settled.submission(dag_id), "ekyc_task_id": ekyc_task_id}


def landed_rows(settled: SettledAirflow, dag_id: str, run_id: str = RUN, map_index: int = -1) -> int:
    result = settled.rest.xcom(dag_id, run_id, "land", "result", map_index=map_index)
    return int(result["rows"])


# First what must change nothing, then what changes something: the tests share one Airflow.


@pytest.mark.parametrize("way", WAYS)
def test_without_a_login_nothing_is_answered(settled: SettledAirflow, way: str) -> None:
    answer = requests.post(
        f"{settled.airflow.url}/ekyc/{way}", json=adoption(settled, "adopt_in_s3"), headers=SAME_ORIGIN, timeout=30
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("way", WAYS)
def test_a_login_that_is_not_valid_is_refused(settled: SettledAirflow, way: str) -> None:
    answer = requests.post(
        f"{settled.airflow.url}/ekyc/{way}",
        json=adoption(settled, "adopt_in_s3"),
        headers={**SAME_ORIGIN, "Authorization": "Bearer made-up"},
        timeout=30,
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_page_of_another_site_changes_nothing(settled: SettledAirflow, way: str, headers: dict[str, str]) -> None:
    records, queries = settled.records(), settled.queries()
    for dag_id in ("adopt_in_s3", "adopt_in_directory", "adopt_in_variables"):
        body = {**adoption(settled, dag_id), "confirmed": True}
        assert settled.browser().post(way, body, headers).status_code == 403
    assert (settled.records(), settled.queries()) == (records, queries)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_form_of_another_site_could_send_changes_nothing(
    settled: SettledAirflow, way: str, content_type: str
) -> None:
    records = settled.records()
    body = json.dumps({**adoption(settled, "adopt_in_s3"), "confirmed": True}).encode()
    headers = {**SAME_ORIGIN, "Content-Type": content_type}
    assert settled.browser().post_raw(way, body, headers).status_code == 415
    assert settled.records() == records


@pytest.mark.parametrize("way", WAYS)
def test_the_same_origin_is_enough_where_the_browser_names_no_site(settled: SettledAirflow, way: str) -> None:
    headers = {"Origin": settled.airflow.url}
    assert settled.browser().post(way, {"dag_id": ""}, headers).status_code == 422


@pytest.mark.parametrize("way", WAYS)
def test_a_long_body_is_refused(settled: SettledAirflow, way: str) -> None:
    headers = {**SAME_ORIGIN, "Content-Type": "application/json"}
    assert settled.browser().post_raw(way, b" " * 20_000, headers).status_code == 413


@pytest.mark.parametrize("dag_id", ["adopt_in_s3", "adopt_in_directory", "adopt_in_variables"])
@pytest.mark.parametrize("way", WAYS)
def test_who_may_only_read_changes_nothing(settled: SettledAirflow, way: str, dag_id: str) -> None:
    records, queries = settled.records(), settled.queries()
    body = {**adoption(settled, dag_id), "confirmed": True}
    assert settled.browser("viewer").post(way, body).status_code == 403
    assert (settled.records(), settled.queries()) == (records, queries)


@pytest.mark.parametrize("way", WAYS)
def test_who_may_not_write_variables_is_refused_before_a_query(settled: SettledAirflow, way: str) -> None:
    queries = settled.queries()
    body = {**adoption(settled, "adopt_in_variables"), "confirmed": True}
    answer = settled.browser("user").post(way, body)
    assert (answer.status_code, settled.queries()) == (403, queries)
    assert "Variables" in answer.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"dag_id": "no_such_dag"},
        {"run_id": "no_such_run"},
        {"task_id": "wait_for_nothing"},
        {"map_index": 7},
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_does_not_exist_is_not_found(settled: SettledAirflow, way: str, changes: dict[str, Any]) -> None:
    body = {**adoption(settled, "adopt_in_s3"), **changes, "confirmed": True}
    assert settled.browser().post(way, body).status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_a_submission_that_is_not_recorded_is_refused(settled: SettledAirflow, way: str) -> None:
    body = {**adoption(settled, "adopt_in_s3"), "name": "0" * 16, "confirmed": True}
    assert settled.browser().post(way, body).status_code == 409


def test_an_id_that_the_api_does_not_know_changes_nothing(settled: SettledAirflow) -> None:
    records = settled.records()
    for dag_id in ("adopt_in_s3", "adopt_in_directory", "adopt_in_variables"):
        body = {**settled.submission(dag_id), "ekyc_task_id": "d4g8o46p2jvh04o9uolg", "confirmed": True}
        answer = settled.browser().post("adopt", body)
        assert answer.status_code == 404
        assert "may be charged" in answer.json()["detail"]
    assert settled.records() == records


def test_the_key_in_place_of_an_id_is_neither_sent_nor_shown(settled: SettledAirflow) -> None:
    queries = settled.queries()
    answer = settled.browser().post("adopt", {**settled.submission("adopt_in_s3"), "ekyc_task_id": KEY})
    assert answer.status_code == 422
    assert KEY not in answer.text
    assert settled.queries() == queries


def test_the_remote_task_of_another_list_needs_a_confirmation(settled: SettledAirflow) -> None:
    records = settled.records()
    (other,) = settled.charges(ROWS["adopt_in_s3"])
    answer = settled.browser().post("adopt", {**settled.submission("adopt_in_directory"), "ekyc_task_id": other})
    assert (answer.status_code, answer.json()["confirm"]) == (409, True)
    assert "has 102 numbers, and this list has 103" in answer.json()["detail"]
    assert settled.records() == records


@pytest.mark.parametrize("dag_id", ["again_in_s3", "again_in_variables"])
def test_sending_again_needs_a_confirmation_that_says_what_it_costs(settled: SettledAirflow, dag_id: str) -> None:
    records = settled.records()
    answer = settled.browser().post("send-again", settled.submission(dag_id))
    assert (answer.status_code, answer.json()["confirm"]) == (409, True)
    assert "charged again" in answer.json()["detail"]
    assert f"Estimated cost of sending it again: {ROWS[dag_id] / 100}" in answer.json()["detail"]
    assert settled.records() == records


def test_what_names_another_account_by_now_is_not_settled(settled: SettledAirflow) -> None:
    browser, records, queries = settled.browser(), settled.records(), settled.queries()
    connection = browser.call("GET", "connections/ekyc_lost")
    wanted = {name: connection[name] for name in ("connection_id", "conn_type", "host", "port", "extra")}
    other = {**wanted, "port": connection["port"], "extra": json.dumps({**json.loads(wanted["extra"]), "account": "b"})}
    browser.call("PATCH", "connections/ekyc_lost?update_mask=extra", other)
    try:
        for way in WAYS:
            answer = browser.post(way, {**adoption(settled, "adopt_in_s3"), "confirmed": True})
            assert answer.status_code == 409
            assert "another API or account" in answer.json()["detail"]
    finally:
        browser.call("PATCH", "connections/ekyc_lost?update_mask=extra", wanted)
    assert (settled.records(), settled.queries()) == (records, queries)


def test_a_connection_of_another_type_is_not_used(settled: SettledAirflow) -> None:
    """Its password would be sent as the key."""
    browser, records, queries = settled.browser(), settled.records(), settled.queries()
    address = "connections/ekyc_lost?update_mask=conn_type"
    browser.call("PATCH", address, {"connection_id": "ekyc_lost", "conn_type": "http"})
    try:
        for way in WAYS:
            answer = browser.post(way, {**adoption(settled, "adopt_in_s3"), "confirmed": True})
            assert (answer.status_code, "not of type ekyc" in answer.json()["detail"]) == (424, True)
    finally:
        browser.call("PATCH", address, {"connection_id": "ekyc_lost", "conn_type": "ekyc"})
    assert (settled.records(), settled.queries()) == (records, queries)


# Now what changes something.


@pytest.mark.parametrize(("dag_id", "user"), [("adopt_in_variables", "op"), ("adopt_in_s3", "user")])
def test_what_was_charged_is_adopted_with_one_query(settled: SettledAirflow, dag_id: str, user: str) -> None:
    adopt(settled, dag_id, user)


@pytest.mark.parametrize("dag_id", ["again_in_s3", "mapped_adopt"])
def test_what_airflow_no_longer_has_of_the_run_is_read_from_the_dag(settled: SettledAirflow, dag_id: str) -> None:
    """From here on these chains are settled without their rendered templates, which Airflow keeps for 30 runs."""
    with contextlib.closing(settled.database.connect()) as database, database, database.cursor() as cursor:
        cursor.execute("select to_regclass('rtif_v2') is null")
        if cursor.fetchone() == (True,):
            cursor.execute("delete from rendered_task_instance_fields where dag_id = %s", (dag_id,))
        else:
            of_task = "task_instance_id in (select id from task_instance where dag_id = %s)"
            cursor.execute(f"delete from rtif_v2 where {of_task}", (dag_id,))
        assert cursor.rowcount >= 1


@pytest.mark.parametrize(("dag_id", "user"), [("again_in_variables", "op"), ("again_in_s3", "user")])
def test_a_list_is_sent_again(settled: SettledAirflow, dag_id: str, user: str) -> None:
    browser = settled.browser(user)
    answer = browser.post("send-again", {**settled.submission(dag_id), "confirmed": True})
    assert answer.status_code == 200, answer.text
    assert f"Estimated cost of sending it again: {ROWS[dag_id] / 100}" in answer.json()["message"]
    browser.follow(answer.json())


def test_the_remote_task_that_another_task_has_returned_needs_a_confirmation(settled: SettledAirflow) -> None:
    assert wait_until(lambda: settled.rest.task_instance("adopt_in_variables", RUN, "submit")["state"] == "success")
    (used,) = settled.charges(ROWS["adopt_in_variables"])
    answer = settled.browser().post("adopt", {**settled.submission("adopt_in_directory"), "ekyc_task_id": used})
    assert (answer.status_code, answer.json()["confirm"]) == (409, True)
    assert "Another task of this Airflow has returned the same remote id." in answer.json()["detail"]


def test_of_three_people_who_adopt_at_once_one_is_first(settled: SettledAirflow) -> None:
    body = adoption(settled, "adopt_in_directory")
    browsers = [settled.browser(user) for user in ("admin", "op", "user")]
    with ThreadPoolExecutor(3) as people:
        answers = list(people.map(lambda browser: browser.post("adopt", body), browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    (first,) = (answer.json() for answer in answers if answer.ok)
    assert first["write"] is None
    browsers[0].follow(first)


def adopt(settled: SettledAirflow, dag_id: str, user: str) -> None:
    browser, body, queries = settled.browser(user), adoption(settled, dag_id), settled.sandboxes["ekyc_lost"].bill.polls
    answer = browser.post("adopt", body)
    assert answer.status_code == 200, answer.text
    # Later the sensors of chains that go on send queries, too.
    assert dag_id != "adopt_in_variables" or settled.sandboxes["ekyc_lost"].bill.polls == queries + 1
    assert answer.json()["total"] == ROWS[dag_id]
    assert (answer.json()["write"] is None) == (dag_id != "adopt_in_variables")
    browser.follow(answer.json())


@pytest.mark.parametrize("dag_id", [dag_id for dag_id in ROWS if dag_id.startswith(("adopt", "again"))])
def test_a_settled_submission_lands_and_is_paid_for_once(settled: SettledAirflow, dag_id: str) -> None:
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "success"
    assert len(settled.charges(ROWS[dag_id])) == 1
    assert landed_rows(settled, dag_id) == ROWS[dag_id]


@pytest.mark.parametrize("dag_id", [dag_id for dag_id in ROWS if dag_id.startswith("adopt")])
def test_the_xcom_of_an_adopted_submission_has_its_counts_and_its_cost(settled: SettledAirflow, dag_id: str) -> None:
    submission = settled.rest.xcom(dag_id, RUN, "submit", "submission")
    assert settled.charges(ROWS[dag_id]) == [submission["ekyc_task_id"]]
    assert (submission["rows"], submission["total"], submission["task_type"]) == (ROWS[dag_id], ROWS[dag_id], "amazon")
    assert (submission["price"], submission["estimated_cost"]) == ("0.01", str(ROWS[dag_id] / 100))
    assert 999_000 < float(submission["balance_before"]) <= 1_000_000
    assert submission["submitted_at"].startswith("20")


@pytest.mark.parametrize("dag_id", ["adopt_in_variables", "adopt_in_s3", "adopt_in_directory", "again_in_s3"])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_settled_is_not_settled_again(settled: SettledAirflow, way: str, dag_id: str) -> None:
    records = settled.records()
    body = {**settled.submission(dag_id), "ekyc_task_id": "d4g8o46p2jvh04o9uolg", "confirmed": True}
    answer = settled.browser().post(way, body)
    assert answer.status_code == 409
    assert answer.json()["clear"]["task_ids"] == ["submit"]
    assert settled.records() == records


def test_a_variable_that_was_written_meanwhile_is_not_overwritten(settled: SettledAirflow) -> None:
    """The page creates the receipt: Airflow refuses to create one that is there."""
    key = next(key for key in settled.variables_of("adopt_in_variables") if key.endswith("_receipt"))
    browser = settled.browser()
    with pytest.raises(AssertionError, match="409"):
        browser.call("POST", "variables", {"key": key, "value": "made-up-other-id", "description": None})


def test_one_map_index_is_adopted_and_the_others_are_not_sent_again(settled: SettledAirflow) -> None:
    dag_id, browser = "mapped_adopt", settled.browser()
    states = {
        each["map_index"]: each["state"]
        for each in settled.rest.task_instances(dag_id, RUN)
        if each["task_id"] == "submit"
    }
    (index,) = (index for index, state in states.items() if state == "failed")
    rows = MAPPED_ROWS[dag_id][index]
    (lost,) = settled.charges(rows)
    body = settled.submission(dag_id, index)
    other = settled.rest.xcom(dag_id, RUN, "submit", map_index=(index + 1) % 3)
    answer = browser.post("adopt", {**body, "ekyc_task_id": other, "confirmed": True})
    assert answer.status_code == 409
    assert "already that of another list of this task" in answer.json()["detail"]
    answer = browser.post("adopt", {**body, "ekyc_task_id": lost})
    assert answer.status_code == 200, answer.text
    assert answer.json()["clear"]["task_ids"] == [["submit", index]]
    browser.follow(answer.json())
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "success"
    assert len(settled.charges(*MAPPED_ROWS[dag_id])) == 3
    assert [landed_rows(settled, dag_id, map_index=each) for each in range(3)] == list(MAPPED_ROWS[dag_id])


def test_a_landing_that_failed_is_picked_up_by_a_clear(settled: SettledAirflow) -> None:
    settled.s3.client().delete_object(Bucket=BUCKET, Key=f"no_landing/{RUN}.zip")
    settled.rest.clear("no_landing", RUN, ["land"], downstream=True, only_failed=True)
    assert settled.rest.wait_for_run("no_landing", RUN)["state"] == "success"
    assert len(settled.charges(ROWS["no_landing"])) == 1
    assert landed_rows(settled, "no_landing") == ROWS["no_landing"]


def test_landings_of_map_indexes_are_picked_up_one_by_one(settled: SettledAirflow) -> None:
    dag_id = "mapped_no_landing"
    for index in (0, 2):
        settled.s3.client().delete_object(Bucket=BUCKET, Key=f"{dag_id}/{RUN}-{index}.zip")
        settled.rest.clear(dag_id, RUN, [("land", index)], downstream=True, only_failed=True)
    assert settled.rest.wait_for_run(dag_id, RUN)["state"] == "success"
    tries = {
        each["map_index"]: each["try_number"]
        for each in settled.rest.task_instances(dag_id, RUN)
        if each["task_id"] == "land"
    }
    assert tries == {0: 2, 1: 1, 2: 2}
    assert len(settled.charges(*MAPPED_ROWS[dag_id])) == 3
    assert [landed_rows(settled, dag_id, map_index=each) for each in range(3)] == list(MAPPED_ROWS[dag_id])


def test_each_decision_is_in_the_audit_log_with_its_user(settled: SettledAirflow) -> None:
    of_this_file = {**ROWS, **MAPPED_ROWS}
    decisions = [
        each
        for event in ("ekyc_adopt", "ekyc_send_again")
        for each in settled.browser().call("GET", f"eventLogs?limit=100&event={event}")["event_logs"]
        if each["dag_id"] in of_this_file
    ]
    entries = {(each["event"], each["dag_id"]): each for each in decisions}
    assert set(entries) == {
        ("ekyc_adopt", "adopt_in_variables"),
        ("ekyc_adopt", "adopt_in_s3"),
        ("ekyc_adopt", "adopt_in_directory"),
        ("ekyc_adopt", "mapped_adopt"),
        ("ekyc_send_again", "again_in_variables"),
        ("ekyc_send_again", "again_in_s3"),
    }
    adopted = entries["ekyc_adopt", "adopt_in_s3"]
    assert entries["ekyc_adopt", "mapped_adopt"]["owner"] == "admin"
    assert (adopted["owner"], adopted["task_id"], adopted["run_id"], adopted["map_index"]) == (
        "user",
        "submit",
        RUN,
        -1,
    )
    extra = json.loads(adopted["extra"])
    assert extra["ekyc_task_id"] == settled.charges(ROWS["adopt_in_s3"])[0]
    assert extra["record"].startswith(f"s3://{BUCKET}/journal/adopt_in_s3/submit/")
    assert entries["ekyc_adopt", "mapped_adopt"]["map_index"] >= 0
    assert entries["ekyc_send_again", "again_in_variables"]["owner"] == "op"


def test_no_number_and_no_key_is_in_an_answer_in_the_audit_log_or_in_the_servers_log(settled: SettledAirflow) -> None:
    entries = settled.browser().call("GET", "eventLogs?limit=100&order_by=-event_log_id")["event_logs"]
    log = settled.airflow.log_of("api-server").read_text()
    assert len(settled.answers()) > 50
    for text in (*settled.answers(), json.dumps(entries), log):
        assert KEY not in text
        assert "+999" not in text
    assert "Traceback" not in log
