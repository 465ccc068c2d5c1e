"""
Records as Airflow Variables: the one store that every supported Airflow has and that survives a retry, a clear and
the deletion of the run (measured on 2.11.2, 3.0.6, 3.1.8, 3.2.2, 3.3.2 and 3.4.0b2).

The task state store (3.3) does not: since 3.4 a clear discards it (apache/airflow#72100). Nor do XComs.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from airflow_provider_ekyc.airflow_sdk import Variable
from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.settle_steps import VARIABLE

#: How the keys of all records begin.
PREFIX = "ekyc_submission_"

#: A Variable that is always there once it was needed: it shows whether Variables can be read.
CHECK = f"{PREFIX}check"
_CHECK_VALUE = "Written by airflow-provider-ekyc, to know whether Variables can be read."


class VariableStore:
    """
    Airflow Variables of one task of one run.

    Airflow answers "not found" also when a read failed: ``Variable.get`` goes on to the next secrets backend upon any
    error, in the task and in the API server. So a Variable counts as absent only if another Variable can be read at
    that moment: one for all DAGs, and where that belongs to another team (``[core] multi_team``) one for this DAG.

    Variables have no conditional write: another try may write between the read and the write of this one.
    ``SubmissionRecords`` therefore reads again before the list is sent.

    :param task: of the records
    """

    kind: ClassVar[str] = "variables"

    def __init__(self, task: TaskIdentity) -> None:
        self._prefix = f"{PREFIX}{task.digest}_"
        self._checks = (CHECK, f"{CHECK}_{hashlib.sha256(task.dag_id.encode()).hexdigest()[:16]}")
        #: What a person reads beside the key.
        self.description = f"eKYC submission of {task.dag_id}.{task.task_id}, run {task.run_id}"

    def key(self, name: str) -> str:
        """Return the Variable's key."""
        return f"{self._prefix}{name}"

    def address(self, name: str) -> str:
        """Return the Variable's key, as a message names it."""
        return f"{VARIABLE}{self.key(name)}"

    def read(self, name: str) -> bytes | None:
        """Return the Variable, or None if it is certain that there is none."""
        key = self.key(name)
        value = read_variable(key)
        if value is None:
            self._require_reading()
            value = read_variable(key)
        return None if value is None else value.encode()

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """Write the Variable, and read it back."""
        if self.read(name) != replacing:
            return False
        key = self.key(name)
        _write_variable(key, body.decode(), self.description)
        value = read_variable(key)
        if value == body.decode():
            return True
        if value is None or value.encode() == replacing:
            # Airflow 3.0 to 3.2 log a write that failed, and go on.
            raise _unusable("written", "the old value is still there")
        return False

    def names(self, prefix: str) -> list[str] | None:
        """Return the names of the Variables; Airflow can list them from 3.3 on."""
        keys = list_variables(self.key(prefix))
        return None if keys is None else [key.removeprefix(self._prefix) for key in keys]

    def _require_reading(self) -> None:
        if not any(read_variable(check) is not None for check in self._checks) and not any(
            _can_read_after_a_write(check) for check in self._checks
        ):
            raise _unusable("read just now", "not found")


def _can_read_after_a_write(check: str) -> bool:
    if check in (list_variables(check) or ()):
        if read_variable(check) is not None:
            return True  # another task has written it since: the first tasks of a deployment start at once
        raise EkycJournalError(
            "Airflow lists its Variables but can't read them: was [core] fernet_key changed? It is not known whether "
            "this list was submitted before. Nothing was sent. Restore the key, then clear this task."
        )
    _write_variable(check, _CHECK_VALUE, "airflow-provider-ekyc")
    return read_variable(check) is not None


def list_variables(prefix: str) -> list[str] | None:
    """
    Return the keys of the Variables with a prefix, or None below Airflow 3.3, which can't list them.

    :raises EkycJournalError: if they can't be listed just now
    """
    keys = getattr(Variable, "keys", None)
    if keys is None:
        return None
    try:
        return list(keys(prefix=prefix))
    except Exception as error:  # noqa: BLE001  # Airflow may raise anything; each error is handled the same way
        raise _unusable("listed", type(error).__name__) from None


def read_variable(key: str) -> str | None:
    """
    Return a Variable, or None if Airflow answers that there is none.

    :raises EkycJournalError: upon any other error
    """
    try:
        value: Any = Variable.get(key)
    except KeyError:  # Airflow 2
        return None
    except Exception as error:  # noqa: BLE001  # Airflow 3 raises one class for all, a secrets backend any other
        if _is_not_found(error):
            return None
        raise _unusable("read", type(error).__name__) from None
    return str(value)


def _write_variable(key: str, value: str, description: str) -> None:
    try:
        Variable.set(key, value, description=description)
    except Exception as error:  # noqa: BLE001  # as above
        raise _unusable("written", type(error).__name__) from None


def delete_variable(key: str) -> None:
    """Delete a Variable; an error of Airflow's is raised as it is."""
    Variable.delete(key)


def _is_not_found(error: Exception) -> bool:
    answer = getattr(error, "error", None)
    return str(getattr(getattr(answer, "error", None), "value", "")) == "VARIABLE_NOT_FOUND"


def _unusable(what: str, reason: str) -> EkycJournalError:
    return EkycJournalError(
        f"Airflow's Variables can't be {what} ({reason}), so it is not known whether this list was submitted before. "
        f"Nothing was sent. A retry reads them again.",
        retryable=True,
    )
