"""The message of each request to settle a submission that is refused: ``plugins/settle.py``, ``settle_case.py``."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.variable import Variable

from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.plugins import settle, settle_case
from airflow_provider_ekyc.plugins.settle import adopt, send_again
from airflow_provider_ekyc.plugins.settle_case import Person
from airflow_provider_ekyc.plugins.settle_request import SettleRefused, SettleRequest
from airflow_provider_ekyc.plugins.settle_task import SettledTask, read_task
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import OPEN, RECEIPT
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.submission.record_format import write_record
from airflow_provider_ekyc.submission.stores import RecordStore, open_store
from airflow_provider_ekyc.submission.variable_store import VariableStore
from tests.conftest import API_KEY
from tests.plugins.airflow_database import AirflowDatabase

FINGERPRINT = "f" * 64
NUMBERS = "".join(f"+999{number:010d}\n" for number in range(100)).encode()
OTHER_LIST = "0123456789abcdef"
IDENTITY = TaskIdentity("numbers", "submit", "first", None, -1, 1, 0)
#: The sandbox creates the remote task now, and one that is a day younger than the submission is not taken for its own.
ENDED = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
UNKNOWN = Intent(ENDED.isoformat(), 1, -1, 100, FINGERPRINT, "made-up", IntentState.UNKNOWN, possibly_charged=1)
SOMEONE = Person("someone", lambda method, key: True)
READER = Person("reader", lambda method, key: False)


class OpenSubmission:
    """A failed task whose submission, of a hundred numbers, has an unknown outcome."""

    def __init__(self, database: AirflowDatabase, sandbox: Sandbox, folder: Path) -> None:
        self.database, self.sandbox, self.folder = database, sandbox, folder
        settings = EkycHook().settings
        self.name = Scope(settings.scope_url, settings.account, FINGERPRINT, "").name
        self.store: RecordStore = open_store(str(folder), None, IDENTITY)

    def insert_task(self, **rendered: str | None) -> None:
        """Insert the task, with other rendered fields."""
        task = {"dag_id": "numbers", "run_id": "first"}
        times = {"run_after": ENDED, "queued_at": ENDED, "logical_date": ENDED}
        self.database.insert(DagRun, **task, id=1, state="failed", run_type="manual", clear_number=0, **times)
        state = {"state": "failed", "end_date": ENDED, "try_number": 1, "max_tries": 0, "executor_config": {}}
        row = {**task, **state, "task_id": "submit", "map_index": -1, "pool": "default_pool", "pool_slots": 1}
        self.database.insert(TaskInstance, **row, id=uuid.uuid4())
        fields = {
            "ekyc_conn_id": "ekyc_default",
            "ekyc_task_type": "amazon",
            "journal_uri": str(self.folder),
            "journal_conn_id": "aws_default",
            **rendered,
        }
        self.database.insert(RenderedTaskInstanceFields, **task, task_id="submit", map_index=-1, rendered_fields=fields)

    def record(self, name: str, body: bytes) -> None:
        """Write a record into the directory."""
        assert self.store.write(name, body, replacing=self.store.read(name))

    def records(self) -> dict[str, bytes]:
        """Return all records in the directory."""
        return {str(path): path.read_bytes() for path in self.folder.rglob("*.json")}

    def request(self, ekyc_task_id: str | None = None, *, confirmed: bool = True) -> SettleRequest:
        """Return what a person asks for."""
        return SettleRequest("numbers", "first", "submit", -1, self.name, ekyc_task_id, confirmed)

    def remote_task(self) -> str:
        """Submit a hundred numbers, and return the id."""
        return EkycHook().submit(io.BytesIO(NUMBERS), len(NUMBERS)).ekyc_task_id

    def refused(self, request: SettleRequest, person: Person = SOMEONE) -> SettleRefused:
        """Return why it is refused; nothing has changed, and nobody is said to have changed anything."""
        before = self.records()
        with pytest.raises(SettleRefused) as refused:
            (send_again if request.ekyc_task_id is None else adopt)(request, person)
        assert self.records() == before
        assert self.database.rows(Log) == []
        assert API_KEY not in refused.value.detail
        return refused.value


@pytest.fixture
def submission(
    database: AirflowDatabase, sandbox: Sandbox, connect: Callable[..., None], tmp_path: Path
) -> OpenSubmission:
    """The submission; its task is not in Airflow's database yet."""
    connect(sandbox)
    submission = OpenSubmission(database, sandbox, tmp_path / "journal")
    for name in (submission.name, OPEN + submission.name):
        submission.record(name, write_record(UNKNOWN))
    return submission


def is_refused(refused: SettleRefused, status: int, words: str) -> None:
    assert (refused.status, refused.confirm, refused.clear) == (status, False, False)
    assert words in refused.detail
    assert "othing was changed" in refused.detail


def test_the_remote_task_of_the_list_is_adopted(submission: OpenSubmission) -> None:
    submission.insert_task()
    remote = submission.remote_task()
    answer = adopt(submission.request(remote, confirmed=False), SOMEONE)
    assert (answer["total"], answer["write"], answer["clear"]["task_ids"]) == (100, None, ["submit"])
    (receipt,) = (body for path, body in submission.records().items() if path.endswith(f"{RECEIPT}.json"))
    assert json.loads(receipt)["ekyc_task_id"] == remote
    assert [row["event"] for row in submission.database.rows(Log)] == ["ekyc_adopt"]


def test_a_list_that_was_sent_once_more_since_is_not_sent_again(submission: OpenSubmission) -> None:
    submission.insert_task()
    seen = replace(submission.request(), sent_at=(ENDED - timedelta(minutes=1)).isoformat())
    is_refused(submission.refused(seen), 409, "sent once more since you looked")
    assert send_again(replace(seen, sent_at=UNKNOWN.started_at), SOMEONE)["clear"]["task_ids"] == ["submit"]


def test_a_task_that_airflow_does_not_have_is_not_found(submission: OpenSubmission) -> None:
    is_refused(submission.refused(submission.request()), 404, "Airflow has no such task instance.")


def test_the_remote_task_of_another_list_of_the_task_is_not_adopted(submission: OpenSubmission) -> None:
    submission.insert_task()
    submission.record(OTHER_LIST + RECEIPT, write_record(Receipt("made-up-id-1")))
    refused = submission.refused(submission.request("made-up-id-1"))
    is_refused(refused, 409, f"another list of this task ({submission.store.address(OTHER_LIST + RECEIPT)})")
    assert submission.sandbox.calls["status"] == 0


def test_the_key_in_place_of_an_id_is_not_sent(submission: OpenSubmission) -> None:
    submission.insert_task()
    is_refused(submission.refused(submission.request(API_KEY)), 422, "That is the API key, not a remote id.")
    assert submission.sandbox.calls["status"] == 0


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (None, 404, "The API knows no remote task of this id in the account of connection 'ekyc_default'."),
        (400, 404, "The API knows no remote task of this id in the account of connection 'ekyc_default'."),
        (401, 424, "The API refuses the key of connection 'ekyc_default'."),
        (429, 429, "there are too many calls"),
        (415, 424, "The API refused the status query (415). That says nothing about the remote task"),
        (410, 424, "The API refused the status query (410). That says nothing about the remote task"),
        (402, 424, "The API did not answer the status query (balance 402). The query may be charged."),
        (503, 424, "The API did not answer the status query (unavailable 503). Try again. The query may be charged."),
    ],
)
def test_a_status_query_that_fails_is_a_sentence_and_is_sent_once(
    submission: OpenSubmission, fault: int | None, status: int, words: str
) -> None:
    submission.insert_task()
    if fault is not None:
        submission.sandbox.fault("status", "status", status=fault, times=1)
    is_refused(submission.refused(submission.request("d4g8o46p2jvh04o9uolg")), status, words)
    # A second query would be another one that may be charged.
    assert submission.sandbox.calls["status"] == 1


def test_an_api_that_is_away_is_a_sentence(submission: OpenSubmission, caplog: pytest.LogCaptureFixture) -> None:
    submission.insert_task()
    submission.sandbox.fault("status", "cut_before", times=None)
    with caplog.at_level(logging.WARNING):
        refused = submission.refused(submission.request("d4g8o46p2jvh04o9uolg"))
    is_refused(refused, 424, "The API did not answer the status query (unavailable). Try again.")
    assert "The status query of a remote task to adopt failed" in caplog.text
    assert API_KEY not in caplog.text


def test_a_try_that_is_accepted_while_a_person_decides_is_not_overwritten(
    submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is accepted between the last look at the records and the write of the receipt."""
    submission.insert_task()
    remote, faster = submission.remote_task(), write_record(Receipt("made-up-id-of-the-try"))
    monkeypatch.setattr(
        settle, "add_audit_entry", lambda *_, **__: submission.record(submission.name + RECEIPT, faster)
    )
    with pytest.raises(SettleRefused) as refused:
        adopt(submission.request(remote), SOMEONE)
    address = submission.store.address(submission.name + RECEIPT)
    is_refused(refused.value, 409, f"Another person, or a try of the task, was faster: {address} was changed")
    assert Path(address).read_bytes() == faster


@pytest.mark.parametrize("ekyc_task_id", ["d4g8o46p2jvh04o9uolg", None])
def test_what_is_settled_already_can_only_be_cleared(submission: OpenSubmission, ekyc_task_id: str | None) -> None:
    submission.insert_task()
    submission.record(submission.name + RECEIPT, write_record(Receipt("made-up-id-1")))
    refused = submission.refused(submission.request(ekyc_task_id))
    assert (refused.status, refused.clear) == (409, True)
    assert refused.clear_body is not None
    assert refused.clear_body["task_ids"] == ["submit"]
    assert submission.sandbox.calls["status"] == 0


def test_a_record_that_is_gone_can_not_be_cleared(submission: OpenSubmission) -> None:
    submission.insert_task()
    for path in submission.records():
        Path(path).unlink()
    refused = submission.refused(submission.request())
    is_refused(refused, 409, "The API server finds no record of this submission at ")
    assert refused.clear_body is None


def test_a_record_that_can_not_be_read_is_named_in_the_servers_log(
    submission: OpenSubmission, caplog: pytest.LogCaptureFixture
) -> None:
    submission.insert_task()
    submission.record(submission.name, b"{broken")
    with caplog.at_level(logging.WARNING):
        refused = submission.refused(submission.request())
    is_refused(refused, 424, "The record of this submission can't be used from the API server (journal); the server's")
    assert submission.store.address(submission.name) in caplog.text


def test_a_connection_that_names_another_account_by_now_settles_nothing(
    submission: OpenSubmission, connect: Callable[..., None]
) -> None:
    submission.insert_task()
    connect(submission.sandbox, account="another")
    for ekyc_task_id in ("d4g8o46p2jvh04o9uolg", None):
        refused = submission.refused(submission.request(ekyc_task_id))
        is_refused(refused, 409, "Connection 'ekyc_default' now names another API or account")
    assert submission.sandbox.calls["status"] == 0


def test_without_the_rendered_connection_nothing_is_settled(submission: OpenSubmission) -> None:
    submission.insert_task(ekyc_conn_id=None)
    is_refused(submission.refused(submission.request()), 409, "it is not known which connection it has used")


def test_a_connection_that_the_server_does_not_have_is_named(
    submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission.insert_task()
    monkeypatch.delenv("AIRFLOW_CONN_EKYC_DEFAULT")
    refused = submission.refused(submission.request())
    is_refused(refused, 424, "Connection 'ekyc_default' can't be used: the API server can't read it, if it exists.")


def test_the_password_of_a_connection_of_another_type_is_not_sent(
    submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission.insert_task()
    connection = {"conn_type": "http", "host": submission.sandbox.url, "password": API_KEY}
    monkeypatch.setenv("AIRFLOW_CONN_EKYC_DEFAULT", json.dumps(connection))
    refused = submission.refused(submission.request("d4g8o46p2jvh04o9uolg"))
    is_refused(refused, 424, "Connection 'ekyc_default' can't be used: It is not of type ekyc.")
    assert submission.sandbox.calls["status"] == 0


def test_a_journal_of_an_unknown_kind_is_not_used(submission: OpenSubmission) -> None:
    submission.insert_task(journal_uri="gs://made-up-bucket/journal")
    refused = submission.refused(submission.request())
    is_refused(refused, 424, "The journal can't be used from the API server: journal_uri (gs, made-up-bucket) must be")


@pytest.mark.parametrize("task_type", [None, "no such type"])
def test_a_task_type_that_is_not_known_any_more_has_no_price(
    submission: OpenSubmission, connect: Callable[..., None], task_type: str | None
) -> None:
    connect(submission.sandbox, prices="amazon=0.01")
    submission.insert_task(ekyc_task_type=task_type)
    refused = submission.refused(submission.request(confirmed=False))
    assert (refused.status, refused.confirm) == (409, True)
    assert "What that costs is not known" in refused.detail


@pytest.mark.parametrize("ekyc_task_id", ["d4g8o46p2jvh04o9uolg", None])
def test_who_may_not_write_variables_is_refused_before_a_query(
    submission: OpenSubmission, ekyc_task_id: str | None
) -> None:
    submission.insert_task(journal_uri=None)
    variables = VariableStore(IDENTITY)
    for name in (submission.name, OPEN + submission.name):
        value = write_record(UNKNOWN).decode()
        submission.database.insert(Variable, key=variables.key(name), val=value, is_encrypted=False)
    refused = submission.refused(submission.request(ekyc_task_id), READER)
    is_refused(refused, 403, "The records are Airflow Variables, and you may not write those.")
    assert submission.sandbox.calls["status"] == 0


def in_a_loop(submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch, iterations: int) -> list[RecordStore]:
    """Have the task be one of a loop, which Airflow has from 3.4 on; return where its iterations have records."""
    submission.insert_task()
    task = read_task(submission.request())
    assert task is not None
    identities = tuple(replace(IDENTITY, iteration=each) for each in range(iterations))
    looped: SettledTask = replace(task, identities=identities)
    monkeypatch.setattr(settle_case, "read_task", lambda request: looped)
    return [open_store(str(submission.folder), None, each) for each in identities]


def test_a_list_that_several_iterations_of_a_loop_have_sent_is_settled_by_hand(
    submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in in_a_loop(submission, monkeypatch, 3)[1:]:
        assert store.write(submission.name, write_record(UNKNOWN), replacing=None)
    refused = submission.refused(submission.request())
    is_refused(refused, 409, "Several iterations of a loop have submitted this list.")
    assert "Settle it by hand" in refused.detail


def test_a_list_that_no_iteration_of_a_loop_has_sent_is_not_settled(
    submission: OpenSubmission, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_loop(submission, monkeypatch, 2)
    is_refused(submission.refused(submission.request()), 409, "The API server finds no record of this submission.")
