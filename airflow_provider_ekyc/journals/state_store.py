"""
A journal in Airflow's task state store (Airflow 3.3 and later).

It is guarded by DAG, run, task and map index, and survives an exception, a kill -9, a deferral and a clear.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.journals.record import Intent

log = logging.getLogger(__name__)

# Airflow's NEVER_EXPIRE, which older versions don't have: the default of 30 days would forget what was paid.
NEVER_EXPIRE = timedelta.max


class StateStore(Protocol):
    """As much of ``context["task_state_store"]`` as is used here."""

    def get(self, key: str) -> Any:
        """Return the value, or None."""
        ...

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        """Write the value."""
        ...

    def delete(self, key: str) -> None:
        """Delete the key, if it is there."""
        ...


class StateStoreJournal:
    """
    Keeps the intent as ``ekyc-intent-<name>`` and the receipt as ``ekyc-receipt-<name>``.

    :param store: ``context["task_state_store"]``
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def receipt(self, name: str) -> object | None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return self._read(f"ekyc-receipt-{name}")

    def intent(self, name: str) -> object | None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return self._read(f"ekyc-intent-{name}")

    def begin(self, name: str, intent: Intent, *, again: bool) -> None:
        """
        Write the intent, and look whose it is.

        The store has no create-if-absent. Of two tries that write at once the first one sees the other's intent and
        stops; only if each looks before the other writes, both go on. Airflow runs two tries of a task at once only
        when it takes a living worker for dead.
        """
        key = f"ekyc-intent-{name}"
        self._write(lambda: self._store.set(key, intent.as_dict(), retention=NEVER_EXPIRE))
        if self._read(key) != intent.as_dict():
            raise EkycInProgressError(
                "Another try is submitting this file right now. Nothing was sent by this try. A retry finds its "
                "receipt, or says that it left none."
            )

    def complete(self, name: str, receipt: Mapping[str, Any]) -> None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        self._write(lambda: self._store.set(f"ekyc-receipt-{name}", dict(receipt), retention=NEVER_EXPIRE))

    def withdraw(self, name: str) -> None:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        self._write(lambda: self._store.delete(f"ekyc-intent-{name}"))

    def by_hand(self, name: str) -> str:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return (
            f"in this task's Task State Store (in Airflow's UI, or by REST) add the key ekyc-receipt-{name} with the "
            f"remote id as its value to adopt it, or delete the key ekyc-intent-{name} to have it sent again"
        )

    def forget(self, name: str) -> str:
        """See :class:`~airflow_provider_ekyc.journals.record.Journal`."""
        return (
            f"start a new run, or delete ekyc-receipt-{name} and ekyc-intent-{name} from this task's Task State Store "
            f"and clear it"
        )

    def _read(self, key: str) -> object | None:
        with _failing("read"):
            value: object | None = self._store.get(key)
        return value

    def _write(self, write: Callable[[], None]) -> None:
        with _failing("written"):
            write()


@contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  # a backend of the user's may raise anything; the answer is the same
        raise EkycJournalError(
            f"Airflow's task state store can't be {what} ({type(error).__name__}), so it is not known whether this "
            f"was submitted before.",
            retryable=True,
        ) from None
