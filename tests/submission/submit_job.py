"""One submit task of one run, tried again and again over one journal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.task_context import TaskInstance
from tests.conftest import BUCKET

#: Of the fixture ``job``, which without them is a job in each of the three.
ANYWHERE = pytest.mark.parametrize("job", ["variables", "local"], indirect=True)
IN_VARIABLES = pytest.mark.parametrize("job", ["variables"], indirect=True)
IN_FILES = pytest.mark.parametrize("job", ["local"], indirect=True)
#: Of an argument ``kind``, for several jobs.
IN_EITHER = pytest.mark.parametrize("kind", ["variables", "local"])


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
        self.clear_number = 0
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
            "dag_run": SimpleNamespace(start_date=self.run_started, clear_number=self.clear_number),
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

    def submit_without_answer(self, sandbox: Sandbox) -> str:
        """Make a try whose submission is accepted, and whose answer is lost; return the message."""
        sandbox.fault("submit", "cut_after")
        with pytest.raises(AirflowFailException) as failed:
            self.submit()
        return str(failed.value)

    def clear(self) -> None:
        """Do what a clear does to the task: it may be tried as often again."""
        self.max_tries = self.tries + 2
        self.clear_number += 1
        self.run_started = datetime.now(UTC)


def lists(folder: Path, names: str) -> dict[str, Path]:
    """Write files of 150 numbers each, no number in two of them."""
    files = {}
    for index, name in enumerate(names):
        files[name] = folder / f"{name}.txt"
        files[name].write_text("".join(f"+9995{index}{number:08d}\n" for number in range(150)))
    return files


def expanded(jobs: dict[int, Job], kind: str, files: list[Path], folder: Path) -> list[str]:
    """Run a mapped submit task over files; an index that ran before has its next try."""
    ids = []
    for index, path in enumerate(files):
        job = jobs.setdefault(index, Job(kind, path, folder))
        job.map_index, job.numbers = index, path
        ids.append(job.submit())
    return ids


def clear(jobs: dict[int, Job]) -> None:
    """Clear all of them, as a clear of the mapped task does."""
    for job in jobs.values():
        job.clear()


def interrupted(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the submission reach the API, and what Airflow throws into it reach us."""
    submit = EkycClient.submit

    def accepted_then_interrupted(self: EkycClient, *arguments: Any) -> Any:
        submit(self, *arguments)
        raise error

    monkeypatch.setattr(EkycClient, "submit", accepted_then_interrupted)
