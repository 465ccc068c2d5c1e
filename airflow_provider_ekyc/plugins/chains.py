"""
Which submission, wait and landing of a run belong together. Pure.

By the remote id where it is known; else by task group and map index; else by their names. A task that finds no partner
is a chain of its own: a wait for a literal id, a second landing of one result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from airflow_provider_ekyc.plugins.task_records import Role, TaskRecord, text_of

#: State of a task instance that its DAG no longer has.
_REMOVED = "removed"


@dataclass(slots=True)
class Chain:
    """
    One submission with its wait and its landing: a row of the page.

    :param prepare: the task that prepared its list, on the first chain of a list only
    """

    submit: TaskRecord | None = None
    sensor: TaskRecord | None = None
    transfer: TaskRecord | None = None
    prepare: TaskRecord | None = None

    @property
    def tasks(self) -> tuple[TaskRecord, ...]:
        """Those that are there, in their order."""
        return tuple(each for each in (self.submit, self.sensor, self.transfer) if each is not None)

    @property
    def first(self) -> TaskRecord:
        """The first of them."""
        return self.tasks[0]

    @property
    def ekyc_task_id(self) -> str | None:
        """The remote task, as far as one of its tasks knows it."""
        return next((known for task in self.tasks if (known := remote_id(task))), None)


def remote_id(task: TaskRecord) -> str | None:
    """Return the remote task that a task has submitted, waits for or has landed; None if it has not said so yet."""
    keys = {
        Role.SUBMIT: ("submission",),
        Role.SENSOR: ("return_value", "progress", "failure"),
        Role.TRANSFER: ("result", "failure"),
        Role.PREPARE: (),
    }[task.role]
    for key in keys:
        if known := text_of(task.pushed(key).get("ekyc_task_id"), 200):
            return known
    if task.role is Role.SUBMIT and isinstance(task.xcoms.get("return_value"), str):
        return text_of(task.xcoms["return_value"], 200)
    return None


def chains_of(tasks: Iterable[TaskRecord]) -> list[Chain]:
    """
    Join task instances, of any number of runs.

    :return: the latest run first; within it by task id and map index
    """

    def run(task: TaskRecord) -> tuple[int, str, str]:
        return -task.run_number, task.dag_id, task.run_id

    present = sorted((task for task in tasks if task.state != _REMOVED), key=lambda task: (*run(task), *_place(task)))
    return [chain for _, of_run in groupby(present, key=run) for chain in _chains_of_run(list(of_run))]


def _place(task: TaskRecord) -> tuple[str, int, str]:
    return task.task_id, task.map_index, task.region or ""


def _chains_of_run(tasks: Sequence[TaskRecord]) -> list[Chain]:
    by_role = {role: [task for task in tasks if task.role is role] for role in Role}
    sensors, transfers = by_role[Role.SENSOR], by_role[Role.TRANSFER]
    chains = [Chain(submit=submit) for submit in by_role[Role.SUBMIT]]
    _add(chains, sensors, _put_sensor)
    waited = {id(chain.sensor) for chain in chains}
    chains += [Chain(sensor=sensor) for sensor in sensors if id(sensor) not in waited]
    _add(chains, transfers, _put_transfer)
    landed = {id(chain.transfer) for chain in chains}
    chains += [Chain(transfer=transfer) for transfer in transfers if id(transfer) not in landed]
    _add_prepared(chains, by_role[Role.PREPARE])
    return chains


def _put_sensor(chain: Chain, task: TaskRecord) -> None:
    chain.sensor = task


def _put_transfer(chain: Chain, task: TaskRecord) -> None:
    chain.transfer = task


def _add(chains: list[Chain], tasks: Sequence[TaskRecord], put: Callable[[Chain, TaskRecord], None]) -> None:
    """Give each chain the task that fits best, the surest pairs first."""
    by_id: dict[str, list[int]] = {}
    by_place: dict[tuple[str, int], list[int]] = {}
    for number, task in enumerate(tasks):
        if known := remote_id(task):
            by_id.setdefault(known, []).append(number)
        by_place.setdefault((task.group, task.map_index), []).append(number)
    free = set(range(len(tasks)))
    unpaired: list[Chain] = []
    for chain in chains:
        known = chain.ekyc_task_id
        same = [number for number in by_id.get(known, ()) if number in free] if known else []
        if same:
            best = max(same, key=lambda number: _likeness(chain.first, tasks[number]))
            free.discard(best)
            put(chain, tasks[best])
        else:
            unpaired.append(chain)
    for chain in unpaired:
        first = chain.first
        candidates = [
            number
            for number in by_place.get((first.group, first.map_index), ())
            if number in free and not _differ(chain.ekyc_task_id, remote_id(tasks[number]))
        ]
        if not candidates and first.map_index == -1:
            # A group of its own around one of them does not part them, if there is no other choice.
            candidates = [
                number
                for number in sorted(free)
                if tasks[number].map_index == -1 and not _differ(chain.ekyc_task_id, remote_id(tasks[number]))
            ]
        if candidates:
            best = max(candidates, key=lambda number: _likeness(first, tasks[number]))
            free.discard(best)
            put(chain, tasks[best])


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _likeness(one: TaskRecord, other: TaskRecord) -> tuple[bool, bool, bool, int, int]:
    """How well two tasks of a run go together: by group, map index and iteration, and by the ends of their names."""
    starts = _alike(one.task_id, other.task_id)
    ends = _alike(one.task_id[::-1], other.task_id[::-1])
    return (
        one.group == other.group,
        one.map_index == other.map_index,
        one.region == other.region,
        starts + ends,
        -len(other.task_id),
    )


def _alike(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _add_prepared(chains: list[Chain], prepares: Sequence[TaskRecord]) -> None:
    """Give the first chain of each list the task that has prepared it, so that what it saved counts once."""
    for prepare in prepares:
        inside = [
            chain
            for chain in chains
            if chain.prepare is None and (not prepare.group or chain.first.task_id.startswith(f"{prepare.group}."))
        ]
        if inside:
            inside[0].prepare = prepare
