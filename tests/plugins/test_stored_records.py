"""
What the page reads of Airflow's database where it can't be read.

``plugins/metadata_variables.py``, ``plugins/needs_search.py`` and ``plugins/stored_tasks.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from airflow.models.crypto import get_fernet
from airflow.models.variable import Variable
from cryptography.fernet import Fernet

from airflow_provider_ekyc.exceptions import Charge, EkycJournalError
from airflow_provider_ekyc.plugins.metadata_variables import MetadataVariables
from airflow_provider_ekyc.plugins.needs import Findings
from airflow_provider_ekyc.plugins.needs_search import find_recorded
from airflow_provider_ekyc.plugins.recorded import identities_of, instance_key
from airflow_provider_ekyc.plugins.stored_tasks import plain_value
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import InstanceRecord
from airflow_provider_ekyc.submission.record_format import write_record
from tests.plugins.airflow_database import AirflowDatabase
from tests.plugins.made_up_tasks import submit

NAME = "0123456789abcdef"
STORE = MetadataVariables(TaskIdentity("numbers", "submit", "first", None, -1, 1, 0))

#: Encrypted with a key that Airflow does not have.
OF_ANOTHER_KEY = Fernet(Fernet.generate_key()).encrypt(b"made-up-id-1").decode()


@pytest.fixture
def fernet_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Airflow encrypts with a key; else it decrypts nothing."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    yield
    get_fernet.cache_clear()


def insert(database: AirflowDatabase, key: str, value: str, *, is_encrypted: bool = False) -> None:
    database.insert(Variable, key=key, val=value, is_encrypted=is_encrypted)


@pytest.mark.usefixtures("fernet_key")
def test_a_variable_of_another_fernet_key_is_not_one_that_is_absent(database: AirflowDatabase) -> None:
    insert(database, STORE.key(NAME), OF_ANOTHER_KEY, is_encrypted=True)
    with pytest.raises(EkycJournalError, match=r"was \[core\] fernet_key changed\?$") as failed:
        STORE.read(NAME)
    assert STORE.key(NAME) in failed.value.message
    assert (failed.value.kind, failed.value.charge, failed.value.retryable) == ("journal", Charge.POSSIBLE, False)
    assert OF_ANOTHER_KEY not in failed.value.message


def test_a_variable_is_not_written_by_the_server(database: AirflowDatabase) -> None:
    insert(database, STORE.key(NAME), "made-up-id-1")
    before = database.rows(Variable)
    with pytest.raises(EkycJournalError, match="is not written by the API server") as failed:
        STORE.write(NAME, b"made-up-id-2", replacing=STORE.read(NAME))
    assert STORE.key(NAME) in failed.value.message
    assert database.rows(Variable) == before


@pytest.mark.usefixtures("fernet_key")
@pytest.mark.parametrize(
    ("value", "is_encrypted"),
    [("{broken", False), ("made-up-id-1", False), (OF_ANOTHER_KEY, True)],
    ids=["broken", "text", "of another key"],
)
def test_a_task_whose_record_can_not_be_read_is_not_one_without_a_record(
    database: AirflowDatabase, value: str, is_encrypted: bool
) -> None:
    broken, whole, without = submit("failed"), submit("failed", run_id="second"), submit("failed", run_id="third")
    key, other = (instance_key(identities_of(task)[0]) for task in (broken, whole))
    insert(database, key, value, is_encrypted=is_encrypted)
    insert(database, other, write_record(InstanceRecord(1, "", {})).decode())
    with database.session() as session:
        found = find_recorded(session, [broken, whole, without])
    assert found == {
        id(broken): Findings(has_record=True, is_readable=False),
        id(whole): Findings(has_record=True, submissions=[]),
    }


@pytest.mark.parametrize(
    "value", ["{broken", "[1, 2", '"half', "[" * 100_000], ids=["object", "list", "text", "a list in a list in a list"]
)
def test_an_xcom_that_only_looks_like_json_is_text(value: str) -> None:
    assert plain_value(value) == value


def test_json_within_json_is_read() -> None:
    assert plain_value(json.dumps({"rows": 3})) == {"rows": 3}


def test_the_records_of_each_submission_that_airflow_does_not_go_on_with_are_read(database: AirflowDatabase) -> None:
    tasks = [submit(state, run_id=state) for state in ("failed", "upstream_failed", "removed", "success", "queued")]
    for task in tasks:
        insert(database, instance_key(identities_of(task)[0]), write_record(InstanceRecord(1, "", {})).decode())
    with database.session() as session:
        assert find_recorded(session, tasks).keys() == {id(task) for task in tasks[:3]}
