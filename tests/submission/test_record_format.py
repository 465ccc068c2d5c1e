"""Records as JSON: those that earlier versions wrote stay readable, and those of a later version are never absent."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.submission.record_format import SCHEMA, read_record
from airflow_provider_ekyc.submission.stores import open_stores
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.conftest import BUCKET
from tests.submission.submit_job import Job

#: As the code of that time wrote them, run on a list of 150 numbers: never to be written anew.
FROZEN = Path(__file__).with_name("frozen_records.json")
#: Their list, connection and task.
SCOPE = Scope(
    "https://api.example",
    "made-up-account",
    "a4ba16fc8ac6057f9711300804062250fc4a2db92c88e0e0003c114981409354",
    "18779d9a7e776001",
)


def frozen() -> Iterator[Any]:
    for form, cases in json.loads(FROZEN.read_text()).items():
        for case, entries in cases.items():
            for where in ("local", "s3") if any("/" in name for name in entries) else ("",):
                yield pytest.param(form, case.split(",")[0], entries, where, id=f"{form}, {case}, {where}")


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize(("form", "case", "entries", "where"), list(frozen()))
def test_what_an_earlier_version_recorded_is_found(
    form: str, case: str, entries: dict[str, Any], where: str, tmp_path: Path, s3: Any, variables: Variables
) -> None:
    state_store: dict[str, Any] = {}
    for name, value in entries.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if name.startswith("ekyc_submission_"):
            variables.set(name, text.replace("/journal/", f"{tmp_path}/"))
        elif name.startswith("ekyc-"):
            state_store[name] = value
        elif where == "s3":
            s3.put_object(Bucket=BUCKET, Key=f"journal/{name}", Body=text.encode())
        else:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    uri = {"": None, "local": str(tmp_path), "s3": f"s3://{BUCKET}/journal"}[where]
    task = identity_of(TaskInstance())
    stores = open_stores(task, uri=uri, aws_conn_id="aws_default", connection_uri=None, state_store=state_store)
    journal = Journal(task, stores)
    journal.start_try()
    found = journal.submission(SCOPE.name, SCOPE.schema_1_name).find()
    assert (SCOPE.name in journal.begun) == form.startswith("schema_2")
    if case == "accepted":
        assert isinstance(found, Receipt)
        assert found.ekyc_task_id == "made-up-id-1"
        assert (found.submission["rows"], found.submission["total"]) == (150, 150)
        return
    assert isinstance(found, Intent)
    assert (found.rows, found.try_number, found.balance) == (150, 1, 1000.0)
    has_states = form.startswith("schema_2")
    states = {"interrupted": IntentState.SENDING, "refused": IntentState.NOT_ACCEPTED} if has_states else {}
    assert found.state is states.get(case, IntentState.UNKNOWN)
    assert found.possible_ids == (("made-up-id-1",) if has_states and case == "unknown" else ())


def test_a_submission_has_the_name_that_its_records_have() -> None:
    settings = EkycSettings(base_url=SCOPE.api, api_key="made-up", account=SCOPE.account)
    with prepared_numbers(io.BytesIO(b"".join(b"+9990%09d\n" % number for number in range(150)))) as numbers:
        assert Scope.of(settings, "amazon", numbers) == SCOPE


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("schema", [SCHEMA + 1, 0, "2", True, None, 2.0])
@pytest.mark.parametrize("entry", ["_instance_0$", "_receipt$", "_open_", "[0-9a-f]_[0-9a-f]{16}$"])
def test_a_record_of_an_unknown_schema_stops_the_submission(
    entry: str, schema: object, numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    job.submit()
    if entry != "_receipt$":  # a receipt counts whatever the others say
        variables.values = {key: value for key, value in variables.values.items() if not key.endswith("_receipt")}
    (key,) = (each for each in variables.values if re.search(entry, each))
    variables.values[key] = json.dumps({**json.loads(variables.values[key]), "schema": schema})
    with pytest.raises(AirflowFailException, match=f"^Upgrade airflow-provider-ekyc .* has schema {schema!r}; this"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ("made-up-id", Receipt("made-up-id")),
        ('"made-up-id"', Receipt("made-up-id")),
        ("12345", Receipt("12345")),
        ('{"ekyc_task_id": 12345, "rows": 150, "note": "by hand"}', Receipt("12345", {"rows": 150})),
        ("Send again.", SENT_AGAIN_BY_HAND),
        *((word, None) for word in ("", "{", "[]", "{}", "null", "true", "two words", "unknown", '{"record": "more"}')),
        ('{"record": "intent", "state": "sent"}', None),
        pytest.param("[" * 100_000, None, id="nested too deeply"),
    ],
)
def test_what_a_person_writes_is_a_receipt_an_intent_or_an_error(body: str, read_as: object) -> None:
    if read_as is not None:
        assert read_record(body.encode(), "there") == read_as
        return
    with pytest.raises(EkycJournalError, match="The record there can't be read, so it is not known"):
        read_record(body.encode(), "there")


@pytest.mark.parametrize("body", [b"made-up-id", b"d4g8o46p2jvh04o9uolg", b"send again", b"x" * 200])
def test_what_airflow_has_encrypted_is_not_an_id(body: bytes) -> None:
    """Where ``[core] fernet_key`` was removed, Airflow returns a Variable as it is stored."""
    with pytest.raises(EkycJournalError, match="The record there can't be read, so it is not known"):
        read_record(Fernet(Fernet.generate_key()).encrypt(body), "there")


@pytest.mark.parametrize("ekyc_task_id", ["gAAAAA", "gAAAAABrCL6HfZxQY", "a" * 120, "gAAAAA" + "b" * 91])
def test_an_id_that_only_begins_like_it_is_one(ekyc_task_id: str) -> None:
    assert read_record(ekyc_task_id.encode(), "there") == Receipt(ekyc_task_id)
