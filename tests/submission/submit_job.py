"""One submit task of one run, tried again and again over one memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from dev.testing.task_context import TaskInstance
from tests.conftest import BUCKET


class Job:
    """
    A submit task.

    :param kind: where submissions are recorded: ``variables``, ``local`` or ``s3``
    :param numbers: the list
    :param folder: of the journal, if it is local
    """

    def __init__(self, kind: str, numbers: Path, folder: Path) -> None:
        self.kind, self.numbers, self.folder = kind, numbers, folder
        self.tries = 0
        self.max_tries = 2
        self.run_started = datetime.now(UTC)
        self.map_index = -1
        self.region: tuple[str, int] | None = None
        self.iteration: int | None = None
        self.state_store: Any = None

    def arguments(self) -> dict[str, Any]:
        """Return what the operator is given."""
        uris = {"s3": f"s3://{BUCKET}/journal", "local": str(self.folder)}
        return {"journal_uri": uris[self.kind]} if self.kind in uris else {}

    def context(self) -> dict[str, Any]:
        """Return the context of the next try."""
        self.tries += 1
        ti = TaskInstance()
        ti.try_number, ti.max_tries, ti.map_index = self.tries, self.max_tries, self.map_index
        if self.region is not None:
            ti.region_id, ti.region_index = self.region  # type: ignore[attr-defined]  # Airflow 3.4 has them
        loop = {} if self.iteration is None else {"loop": SimpleNamespace(index=self.iteration)}
        return {
            "ti": ti,
            "dag_run": SimpleNamespace(start_date=self.run_started),
            "task_state_store": self.state_store,
            **loop,
        }

    def operator(self, **arguments: Any) -> EkycSubmitOperator:
        """Return the operator of the next try."""
        return EkycSubmitOperator(task_id="submit", numbers=str(self.numbers), **{**self.arguments(), **arguments})

    def submit(self, **arguments: Any) -> str:
        """Make one try."""
        self.last = self.context()
        return self.operator(**arguments).execute(self.last)

    def clear(self) -> None:
        """Do what a clear does to the task: it may be tried as often again."""
        self.max_tries = self.tries + 2
        self.run_started = datetime.now(UTC)
