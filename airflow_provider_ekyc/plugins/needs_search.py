"""Search for what a person has to decide, over all runs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.plugins.chains import Chain, chains_of
from airflow_provider_ekyc.plugins.needs import ORDER, STOPPED, Findings, ekyc_task_ids_landed, need_of
from airflow_provider_ekyc.plugins.page_rows import KEYS
from airflow_provider_ekyc.plugins.recorded import (
    Known,
    begun_by,
    identities_of,
    instance_key,
    recorded_submissions,
    submission_keys,
)
from airflow_provider_ekyc.plugins.statuses import ENDED
from airflow_provider_ekyc.plugins.stored_tasks import add_xcoms, read_variables, tasks_of_runs
from airflow_provider_ekyc.plugins.task_records import Role, TaskRecord
from airflow_provider_ekyc.plugins.task_search import FoundTask, failed_tasks

#: Task instances that have failed, of the latest runs: more are not looked for.
MOST_FAILED = 20_000

#: Task instances that have failed and that one call looks into; the next calls go on from there.
MOST_LOOKED_AT = 1_000

#: Runs that are known to need nobody.
MOST_REMEMBERED = 100_000


class NeedsSearch:
    """
    Finds what a person has to decide.

    Failed runs stay failed, and most need nobody: what was refused is free. So it is remembered which run needs nobody,
    as long as its failed tasks are the same tries.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._needs_nobody: OrderedDict[int, int] = OrderedDict()

    def find(
        self, session: Session, dag_ids: Collection[str], *, run_id: str | None = None, limit: int = 100
    ) -> tuple[list[tuple[Chain, dict[str, Any]]], bool]:
        """
        Return chains with what a person has to decide, unknown outcomes first, and then the latest run first.

        :param dag_ids: that the user may read
        :param run_id: of one run alone
        :return: the chains, and whether there are or may be more
        """
        failed = failed_tasks(session, dag_ids, run_id=run_id, limit=MOST_FAILED)
        new: dict[int, int] = {}
        looked_at: list[FoundTask] = []
        for run, tasks in groupby(failed, key=lambda task: task.run_number):
            of_run = list(tasks)
            state = hash(tuple((each.task_id, each.map_index, each.version) for each in of_run))
            if self._needs_nobody.get(run) != state:
                new[run] = state
                looked_at += of_run if len(looked_at) < MOST_LOOKED_AT else ()
        by_run = _chains_by_run(session, looked_at)
        findings = find_recorded(session, [chain.submit for chains in by_run.values() for chain in chains])
        found: list[tuple[Chain, dict[str, Any]]] = []
        for run, chains in by_run.items():
            landed = ekyc_task_ids_landed(chains)
            of_chains = [(chain, need_of(chain, _findings_of(findings, chain), landed)) for chain in chains]
            needed = [(chain, need) for chain, need in of_chains if need is not None]
            found += needed
            if not needed and _stays_so(chains, findings):
                self._remember(run, new[run])
        found.sort(key=lambda pair: [kind.value for kind in ORDER].index(pair[1]["kind"]))
        more = len(found) > limit or len(new) > len(by_run) or len(failed) >= MOST_FAILED
        return found[:limit], more

    def _remember(self, run: int, state: int) -> None:
        with self._lock:
            self._needs_nobody[run] = state
            if len(self._needs_nobody) > MOST_REMEMBERED:
                self._needs_nobody.popitem(last=False)


def find_recorded(session: Session, submits: Iterable[TaskRecord | None]) -> dict[int, Findings]:
    """
    Read what the records say of submit tasks that have failed, or a task before them, or are no longer in their DAG.

    :return: by ``id`` of the task
    """
    asked = [task for task in submits if task is not None and task.state in STOPPED]
    identities = {id(task): identities_of(task) for task in asked}
    values = read_variables(session, {instance_key(each) for every in identities.values() for each in every})
    found: dict[int, Findings] = {}
    begun: list[tuple[int, Any, Any]] = []
    for task in asked:
        for identity in identities[id(task)]:
            try:
                names = begun_by(values, identity)
            except EkycJournalError:
                found[id(task)] = Findings(has_record=True, is_readable=False)
                break
            if names is not None:
                begun.append((id(task), identity, names))
                break
    values = read_variables(session, {key for _, identity, names in begun for key in submission_keys(identity, names)})
    for number, identity, names in begun:
        found[number] = Findings(has_record=True, submissions=recorded_submissions(values, identity, names))
    return found


def _chains_by_run(session: Session, failed: Sequence[FoundTask]) -> dict[int, list[Chain]]:
    """Return the chains of runs. A submission whose map index is no longer in the DAG may be charged all the same."""
    if not failed:
        return {}
    indexes = [each.map_index for each in failed]
    records = tasks_of_runs(session, dict.fromkeys(each.run_number for each in failed), (min(indexes), max(indexes)))
    add_xcoms(session, records, KEYS, (min(indexes), max(indexes)))
    removed = [Chain(submit=each) for each in records if each.state == "removed" and each.role is Role.SUBMIT]
    by_run: dict[int, list[Chain]] = {}
    for chain in [*chains_of(records), *removed]:
        by_run.setdefault(chain.first.run_number, []).append(chain)
    return by_run


def _findings_of(findings: dict[int, Findings], chain: Chain) -> Findings:
    return findings.get(id(chain.submit), Findings())


def _stays_so(chains: Sequence[Chain], findings: dict[int, Findings]) -> bool:
    """Whether a run that needs nobody can't need somebody before one of its tasks fails anew."""
    settled = {Known.FREE}
    return all(task.state in ENDED for chain in chains for task in chain.tasks) and all(
        each.known in settled for chain in chains for each in _findings_of(findings, chain).submissions
    )
